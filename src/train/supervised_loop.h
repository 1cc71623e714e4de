#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"
#include "rlhf/nn/parameter.h"
#include "rlhf/train/plan.h"

#include "run.h"

namespace rlhf {

/// What fine-tuning and reward modelling do differently; the loop around it is one.
struct SupervisedStage {
  std::string name;                        ///< "sft", "rm"
  std::string rate, figure, other_figure;  ///< what the progress line shows
  Parameters& parameters;
  at::Device device;
  /// Forward and backward of one optimizer step over these samples; returns its metrics (not grad_norm, rate, time).
  std::function<Metrics(const std::vector<std::size_t>& samples)> accumulate;
  /// Metrics named eval_…; empty where there is nothing to evaluate on.
  std::function<Metrics()> evaluate;
  /// Writes the model as an HF folder with these fp32 weights.
  std::function<void(const NamedTensors& weights, const std::filesystem::path& path)> save_model;
  /// A few lines for samples.jsonl; may be empty.
  std::function<std::vector<nlohmann::ordered_json>()> show;
};

struct SupervisedSettings {
  const SupervisedPlan& plan;
  std::uint64_t seed;
  bool shuffle;
  const OptimizerOptions& optimizer;
  const LrScheduleOptions& schedule;
  const EvalOptions& eval;
  const LogOptions& log;
};

/// Runs the stage to its last step: steps, evaluation, best/, checkpoints, final/. After a signal it saves a checkpoint
/// of the last whole step and lets Interrupted through.
void run_supervised(SupervisedStage& stage, const SupervisedSettings& settings, Run& run,
                    const std::optional<ResumePoint>& resume);

}  // namespace rlhf
