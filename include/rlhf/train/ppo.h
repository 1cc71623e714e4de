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

/// rlhf-ppo: optimises config.model.policy against `reward` (the folder config.model.reward if null) with a KL penalty.
/// Writes final/ and final-value/. Errors: as train_sft.
RunSummary train_ppo(const PpoConfig& config, const RunOptions& options = {}, RewardSource* reward = nullptr);

/// The parts of train_ppo, for trainers of your own. Models and tokenizer are referred to, not owned.
struct PpoModels {
  CausalLM& policy;
  CausalLM& reference;  ///< only run
  ScalarModel& value;
  RewardSource& reward;
  const Tokenizer* tokenizer = nullptr;  ///< decodes responses for reward functions and samples; null: texts are empty
};

/// What changes from step to step, and so what a checkpoint holds.
struct PpoState {
  Trainee policy, value;
  double kl_coef;

  PpoState(PpoModels& models, const PpoConfig& config);
};

/// What the update trains on. [R] float32.
struct PpoBatch {
  at::Tensor old_values, rewards, advantages, returns;
};
/// r_t = −kl_coef·(logp − ref) + [t last]·score, whitened if asked; GAE on `values` [R]; advantages whitened if asked.
PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef);

/// What one step of PPO found.
struct PpoStep : StepRecord {
  /// Sums over the response tokens of all updates of the step.
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
  std::int64_t episode = 0;                  ///< responses sampled so far
  double kl = 0;                             ///< to the reference, nats per response
  double sampled_entropy = 0;                ///< −log-probability of a response, nats
  double score = 0;                          ///< mean over responses
  double kl_coef = 0;                        ///< that this step used
  std::optional<double> explained_variance;  ///< of the returns by the old values; absent for constant returns
  std::array<double, kNumSums> sums{};
  double updated_tokens = 0;  ///< response tokens of all updates
  double policy_grad_norm = 0, value_grad_norm = 0, lr = 0, logprob_diff = 0;
  std::int64_t extra_forwards = 0;  ///< sequences whose old log-probabilities needed a pass of their own
  double rollout_seconds = 0, score_seconds = 0, update_seconds = 0;

  Metrics metrics() const override;
  Metrics headline() const override;
  std::vector<nlohmann::ordered_json> samples() const override { return sample_lines(scored); }
};

/// One step, in the order of the paper: collect, score, advantages, updates of policy and value model, KL coefficient.
/// `prompts` has one entry per response (a prompt that is sampled G times is there G times).
std::unique_ptr<PpoStep> ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                                  const TokenIds& stop_ids, const PpoConfig& config, std::int64_t micro_batch_tokens,
                                  const StepPosition& at);

}  // namespace rlhf
