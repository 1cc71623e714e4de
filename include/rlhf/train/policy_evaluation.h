#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "rlhf/dist/ranks.h"
#include "rlhf/train/on_policy.h"
#include "rlhf/train/step_record.h"

namespace rlhf {

/// The record of an evaluation of a policy on prompts that are not trained on: means over the responses.
struct PolicyEvaluation : StepRecord {
  double score = 0;                        ///< as trained on, but neither scaled nor clipped with reward.scaling
  double kl = 0;                           ///< KL to the reference, nats per response
  double kl_coef = 0;                      ///< weight of the KL in objective/rlhf_reward
  double length = 0;                       ///< response tokens
  double ended = 0;                        ///< share of the responses that ended
  Agreement agreement;                     ///< of all responses
  std::vector<TermMean> terms;             ///< of a sum of rewards
  double agreement_penalty = 0;            ///< mean of λ·A, which `score` has subtracted
  std::optional<double> spread;            ///< of an ensemble: mean of what its members disagree by
  Repetition repetition;                   ///< of all responses
  std::optional<double> held_out_score;    ///< by EvaluatedModels::held_out, without any rule
  std::optional<double> held_out_peak_kl;  ///< of the evaluations of the run so far (feedback/over_optimisation.h)

  Metrics metrics() const override;
  Metrics headline() const override;
};

/// The models that sample and score. Holds references.
struct EvaluatedModels {
  CausalLM& policy;
  CausalLM& reference;
  RewardSource& reward;
  const TokenIds& stop_ids;
  const Tokenizer* tokenizer = nullptr;  ///< decodes responses for rewards and rollout.stop
  RewardSource* held_out = nullptr;      ///< also scores the responses of an evaluation, if not null
  const Ranks& ranks = one_rank();       ///< share the work
};

/// Samples a response to each of `prompts`, rollout.batch_size at a time, and scores it. The random numbers depend only
/// on the seed and the index of the prompt, so all evaluations of a run use the same. With
/// reward.scaling, scores are neither scaled nor clipped, so that evaluations compare: the scale of training changes
/// from step to step. Errors: like collect_rollout and score_responses.
std::unique_ptr<PolicyEvaluation> evaluate_policy(const EvaluatedModels& models,
                                                  std::span<const PromptSample* const> prompts,
                                                  const RolloutOptions& rollout, const RewardOptions& reward,
                                                  double kl_coef, std::int64_t seed, std::int64_t micro_batch_tokens);

}  // namespace rlhf
