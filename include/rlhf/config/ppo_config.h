#pragma once

#include <cstdint>
#include <tuple>

#include "rlhf/config/choices.h"
#include "rlhf/config/data_options.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// Section `rollout`.
struct RolloutOptions {
  std::int64_t batch_size = 64;
  std::int64_t num_samples_per_prompt = 1;
  std::int64_t max_new_tokens = 64;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  bool allow_truncated_sampling = false;
};
constexpr auto describe(const RolloutOptions*) {
  using C = RolloutOptions;
  return std::make_tuple(
      field<&C::batch_size>("responses per rollout", at_least(1)),
      field<&C::num_samples_per_prompt>("responses per prompt; must divide batch_size", at_least(1)),
      field<&C::max_new_tokens>("longest response in tokens", at_least(1)),
      field<&C::temperature>("sampling temperature; log-probabilities are taken at it everywhere", more_than(0.0)),
      field<&C::top_p>("nucleus: keep the likeliest tokens up to this mass (1 = all)", more_than(0.0).up_to(1.0)),
      field<&C::top_k>("keep the likeliest k tokens (0 = all)", at_least(0)),
      field<&C::allow_truncated_sampling>(
          "accept top_p < 1 or top_k > 0, whose samples the log-probabilities do not describe"));
}

/// Section `reward`.
struct RewardOptions {
  MissingEos missing_eos = MissingEos::replace;
  double missing_eos_value = -1.0;
};
constexpr auto describe(const RewardOptions*) {
  using C = RewardOptions;
  return std::make_tuple(
      field<&C::missing_eos>(
          "score of a response that was cut off: replaced by, or lowered by |missing_eos_value|, or left"),
      field<&C::missing_eos_value>("the score, or what is subtracted, in reward units"));
}

/// Section `ppo`.
struct PpoOptions {
  double kl_coef = 0.05;
  KlControllerKind kl_controller = KlControllerKind::fixed;
  double kl_target_nats = 6.0;
  double kl_horizon = 10000.0;
  double cliprange = 0.2;
  double cliprange_value = 0.2;
  double gamma = 1.0;
  double gae_lambda = 0.95;
  std::int64_t num_ppo_epochs = 4;
  std::int64_t num_mini_batches = 1;
  bool whiten_advantages = true;
  bool whiten_rewards = false;
};
constexpr auto describe(const PpoOptions*) {
  using C = PpoOptions;
  return std::make_tuple(
      field<&C::kl_coef>("weight of the per-token KL penalty in the reward", at_least(0.0)),
      field<&C::kl_controller>("fixed, or adaptive towards kl_target_nats"),
      field<&C::kl_target_nats>("adaptive: KL to the reference aimed at, nats per sequence", more_than(0.0)),
      field<&C::kl_horizon>("adaptive: episodes over which the coefficient moves", more_than(0.0)),
      field<&C::cliprange>("policy ratio is clipped to [1-c, 1+c]", more_than(0.0).up_to(1.0)),
      field<&C::cliprange_value>("value is clipped to its old value ± c", more_than(0.0)),
      field<&C::gamma>("discount per token", in_range(0.0, 1.0)),
      field<&C::gae_lambda>("lambda of the advantage estimation", in_range(0.0, 1.0)),
      field<&C::num_ppo_epochs>("passes over each rollout", in_range(1, 64)),
      field<&C::num_mini_batches>("optimizer steps per pass; must divide rollout.batch_size", at_least(1)),
      field<&C::whiten_advantages>("advantages to mean 0 and variance 1 over the rollout's tokens"),
      field<&C::whiten_rewards>("rewards to variance 1 over the rollout's tokens, mean kept"));
}

/// What rlhf-ppo is told.
struct PpoConfig {
  PpoModelOptions model;
  PromptDataOptions data;
  RolloutOptions rollout;
  RewardOptions reward;
  PpoOptions ppo;
  PpoTrainOptions train;
  OptimizerOptions optimizer{.lr = 3e-6};
  OptimizerOptions value_optimizer{.lr = 3e-6};
  LrScheduleOptions lr_schedule{.kind = LrScheduleKind::linear, .warmup_share = 0.0, .min_share = 0.0};
  CheckpointOptions checkpoint{.every_steps = 20, .keep_last = 2};
  LogOptions log{.every_steps = 1, .samples_every_steps = 10, .tensorboard = true};
};
constexpr auto describe(const PpoConfig*) {
  using C = PpoConfig;
  return std::make_tuple(
      field<&C::model>("the four models"), field<&C::data>("prompts"), field<&C::rollout>("sampling"),
      field<&C::reward>("from score to reward"), field<&C::ppo>("the algorithm"), field<&C::train>("the run"),
      field<&C::optimizer>("AdamW of the policy"), field<&C::value_optimizer>("AdamW of the value model"),
      field<&C::lr_schedule>("learning rates over the run"),
      field<&C::checkpoint>("what --resume needs, in rollouts").may_change(),
      field<&C::log>("metrics and samples, in rollouts").may_change());
}

}  // namespace rlhf
