#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rlhf/config/cluster.h"
#include "rlhf/runs/metrics.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// How to run a stage. Not part of the config, because these options do not change the result of a run.
struct RunOptions {
  bool dry_run = false;  ///< print plan, memory forecast and first samples to stdout, then return
  /// With dry_run: instead of this machine, plan for these GPUs, and print the table of train/scale_plan.h.
  std::optional<Cluster> cluster;
  bool resume = false;              ///< resume from the newest valid checkpoint, or start if there is none
  bool accept_differences = false;  ///< resume, or use a model folder, although data, machine or template differ
  /// Evaluate the model of model.path and train nothing: on data.eval or data.eval_share, or else on data.train. Needs
  /// no run folder and writes nothing. For methods that can evaluate (train_sft, train_reward_model, train_dpo).
  bool eval_only = false;
};

/// The result of an evaluation without training.
struct Evaluation {
  /// With the names of an evaluation in training, "eval_loss", …; for train_sft also "eval_perplexity", exp(eval_loss).
  Metrics metrics;
  std::int64_t samples = 0;    ///< evaluated samples: at most eval.max_samples
  std::int64_t available = 0;  ///< samples of the data
};

/// A pair that a reward model was evaluated on.
struct EvaluatedPair {
  double margin = 0;        ///< score of the chosen text − score of the rejected one
  std::int64_t length = 0;  ///< tokens of the chosen text − tokens of the rejected one
  double truth = 1;         ///< the probability that the chosen text is better, as the data say
  std::int32_t prompt = 0;  ///< a number that pairs of the same prompt share
};

/// The summary of a run.
struct RunSummary {
  std::int64_t steps = 0;  ///< steps of this call: 0 for a dry run and for a run that was already finished
  WorkCounters work;       ///< the work of these steps and of their evaluations
  std::optional<Evaluation> evaluation;  ///< with RunOptions::eval_only
  std::vector<EvaluatedPair> pairs;      ///< of train_reward_model: those of the last evaluation of this call
};

}  // namespace rlhf
