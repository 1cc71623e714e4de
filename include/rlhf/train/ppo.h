#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/config/ppo_config.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/method.h"
#include "rlhf/train/on_policy.h"

namespace rlhf {

/// PPO (rlhf-ppo): trains config.model.policy to maximise the scores of `reward`, or of the reward model
/// config.model.reward if `reward` is null, with a KL penalty. Writes final/ and final-value/. Errors: like train_sft.
RunSummary train_ppo(const PpoConfig& config, const RunOptions& options = {}, RewardSource* reward = nullptr);

/// The models of a PPO step, for your own trainers. Holds references.
struct PpoModels {
  CausalLM& policy;
  CausalLM& reference;  ///< not trained
  ScalarModel& value;
  RewardSource& reward;
  const Tokenizer* tokenizer = nullptr;  ///< decodes responses for rewards and samples; if null, texts are empty
};

/// The state that changes from step to step and is saved in checkpoints.
struct PpoState {
  Trainee policy, value;
  double kl_coef;

  PpoState(PpoModels& models, const PpoConfig& config);
};

/// The targets of the update, [R] float32 each.
struct PpoBatch {
  at::Tensor old_values, rewards, advantages, returns;
};
/// Computes rewards r_t = −kl_coef·(logp − ref) + [t last]·score, and advantages and returns by GAE with `values` [R].
/// Whitens rewards and advantages if the options say so.
PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef);

/// The record of one PPO step.
struct PpoStep : StepRecord {
  /// The sums over the response tokens of all updates of the step.
  enum Sum {
    kPolicyLoss,
    kPolicyClipped,
    kApproxKl,
    kRatio,
    kRatioSquare,
    kEntropy,
    kValueLoss,
    kValueClipped,
    kNumSums
  };

  ScoredRollout scored;
  std::int64_t episode = 0;                    ///< number of responses sampled so far
  double kl = 0;                               ///< KL to the reference, nats per response
  double sampled_entropy = 0;                  ///< mean −log-probability of a response, nats
  double score = 0;                            ///< mean score of the responses
  std::optional<std::int64_t> clipped_scores;  ///< see Scores
  Agreement agreement;                         ///< see Scores
  std::optional<double> scores_spread;         ///< see Scores
  double agreement_weight = 0;                 ///< λ, reward.agreement_penalty
  bool policy_updated = true;                  ///< false in the first ppo.value_warmup_steps rollouts
  double kl_coef = 0;                          ///< the coefficient that this step used
  std::optional<double> explained_variance;    ///< of the returns by the old values; nullopt for constant returns
  std::array<double, kNumSums> sums{};
  double updated_tokens = 0;  ///< number of response tokens in all updates
  double policy_grad_norm = 0, value_grad_norm = 0, lr = 0, logprob_diff = 0;
  std::int64_t extra_forwards = 0;  ///< sequences with a separate forward pass for their old log-probabilities
  double rollout_seconds = 0, score_seconds = 0, update_seconds = 0;

  Metrics metrics() const override;
  Metrics headline() const override;
  std::vector<nlohmann::ordered_json> samples() const override { return sample_lines(scored); }

 private:
  double mean(Sum i) const { return sums[i] / updated_tokens; }
  Metrics policy_metrics() const;
};

/// Runs one PPO step: rollout, scores, advantages, updates of policy and value model, KL coefficient. `prompts` has one
/// entry per response (a prompt with G samples has G entries).
std::unique_ptr<PpoStep> ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                                  const TokenIds& stop_ids, const PpoConfig& config, std::int64_t micro_batch_tokens,
                                  const StepPosition& at);

}  // namespace rlhf
