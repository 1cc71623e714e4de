#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/data_options.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/reward_term.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// The limit of rollout.refill_equal_groups.
inline constexpr std::int64_t kMostRefillRounds = 64;

/// Section `rollout`.
struct RolloutOptions {
  std::int64_t batch_size = 64;
  std::int64_t num_samples_per_prompt = 1;
  std::int64_t max_new_tokens = 64;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  std::vector<std::string> stop;
  bool allow_truncated_sampling = false;
  std::int64_t refill_equal_groups = 0;
};
constexpr auto describe(const RolloutOptions*) {
  using C = RolloutOptions;
  return std::make_tuple(
      field<&C::batch_size>("responses per rollout", at_least(1)),
      field<&C::num_samples_per_prompt>("responses per prompt; must divide batch_size", at_least(1)),
      field<&C::max_new_tokens>("longest response in tokens", at_least(1)),
      field<&C::temperature>("sampling temperature; all log-probabilities are computed at it", more_than(0.0)),
      field<&C::top_p>("nucleus sampling: keep the most likely tokens up to this probability (1: all)",
                       more_than(0.0).up_to(1.0)),
      field<&C::top_k>("keep the k most likely tokens (0: all)", at_least(0)),
      field<&C::stop>("texts that end a response, as EOS does; they are part of it"),
      field<&C::allow_truncated_sampling>(
          "allow top_p < 1 or top_k > 0, although the log-probabilities do not describe such samples"),
      field<&C::refill_equal_groups>("largest number of further rounds of sampling in which other prompts take the "
                                     "place of those whose responses all "
                                     "have the same score (dynamic sampling of DAPO)",
                                     in_range(0, kMostRefillRounds)));
}

/// Section `reward`.
struct RewardOptions {
  std::vector<RewardTerm> terms;
  MissingEos missing_eos = MissingEos::replace;
  double missing_eos_value = -1.0;
  RewardScaling scaling = RewardScaling::none;
  std::array<double, 2> clip_range = {0.0, 0.0};
  double spread_penalty = 0.0;
  NumberOrAuto agreement_penalty{0.0};
  std::int64_t agreement_prompts = 64;
  std::int64_t agreement_samples = 16;
};
constexpr auto describe(const RewardOptions*) {
  using C = RewardOptions;
  return std::make_tuple(
      field<&C::terms>("checks and programs whose scores, times their weights, are added to the score of model.reward; "
                       "with at least one, model.reward may be empty"),
      field<&C::missing_eos>("score of a response that ended with neither EOS nor a text of rollout.stop; replace: "
                             "missing_eos_value; subtract: |missing_eos_value| less; none: unchanged"),
      field<&C::missing_eos_value>("the value for missing_eos, in reward units"),
      field<&C::scaling>("of the scores of training, after missing_eos; running_std: divide by the standard deviation "
                         "of all scores so "
                         "far; running_mean_std: also subtract their mean first"),
      field<&C::clip_range>("[lowest, highest] score, after centring, missing_eos and scaling ([0, 0]: no clipping)"),
      field<&C::spread_penalty>(
          "subtracted from the score: this times the standard deviation of the scores of "
          "model.reward and model.reward_ensemble, so that answers on which they disagree pay less",
          at_least(0.0)),
      field<&C::agreement_penalty>(
          "subtracted, after the clipping, from the score of a response that agrees with the asker's belief (field "
          "belief of the record, or read from the prompt); auto: the lowest with which the policy should not come to "
          "agree more often than at the start",
          at_least(0.0)),
      field<&C::agreement_prompts>("auto: number of prompts with a belief that the initial policy answers for it",
                                   at_least(1)),
      field<&C::agreement_samples>("auto: number of answers to each of them", at_least(2)));
}

/// Section `ppo`.
struct PpoOptions {
  AdvantageKind advantage = AdvantageKind::gae;
  double kl_coef = 0.05;
  KlPlace kl_in = KlPlace::reward;
  KlEstimator kl_estimator = KlEstimator::k1;
  KlControllerKind kl_controller = KlControllerKind::fixed;
  double kl_target_nats = 6.0;
  double kl_horizon = 10000.0;
  double cliprange = 0.2;
  std::optional<double> cliprange_high;
  double dual_clip = 0.0;
  double cliprange_value = 0.2;
  ScorePosition score_position = ScorePosition::last_token;
  double gamma = 1.0;
  double gae_lambda = 0.95;
  std::int64_t num_ppo_epochs = 4;
  std::optional<double> target_kl;
  std::int64_t num_mini_batches = 1;
  std::optional<bool> whiten_advantages;
  bool whiten_rewards = false;
  LossAggregation loss_aggregation = LossAggregation::token_mean;
  double entropy_coef = 0.0;
  std::int64_t value_warmup_steps = 0;
  std::optional<double> vf_coef;
  double ptx_coef = 0.0;

  bool has_value_model() const { return advantage == AdvantageKind::gae; }
  bool pays_after_end() const { return has_value_model() && score_position == ScorePosition::after_eos; }
  bool whitens_advantages() const { return whiten_advantages.value_or(!compares_samples(advantage)); }
};
constexpr auto describe(const PpoOptions*) {
  using C = PpoOptions;
  return std::make_tuple(
      field<&C::advantage>(
          "gae: with a value model; without one, from the rewards of the num_samples_per_prompt "
          "responses to a prompt: rloo (minus the mean of the others), grpo (minus the mean, divided by "
          "the standard deviation), dr_grpo (minus the mean); reinforce_plus_plus: the reward from each "
          "token on"),
      field<&C::kl_coef>("weight of the KL penalty of each token", at_least(0.0)),
      field<&C::kl_in>("where the KL penalty is: in the reward, or in the loss of the policy"),
      field<&C::kl_estimator>(
          "of the KL of a token, d = logp − ref: k1: d; k2: d²/2; k3: exp(−d) − 1 + d. In the loss, "
          "k2 has the gradient of KL(policy, reference), k3 that of KL(reference, policy)"),
      field<&C::kl_controller>("fixed coefficient, or adaptive towards kl_target_nats"),
      field<&C::kl_target_nats>("adaptive: target KL to the reference, in nats per sequence", more_than(0.0)),
      field<&C::kl_horizon>("adaptive: number of episodes over which the coefficient adapts", more_than(0.0)),
      field<&C::cliprange>("clip the policy ratio to [1-c, 1+c]", more_than(0.0).up_to(1.0)),
      field<&C::cliprange_high>("c of the upper bound; default: cliprange", more_than(0.0)),
      field<&C::dual_clip>("limit the loss where the advantage A is below 0 to −A times this (0: no limit)",
                           at_least(0.0)),
      field<&C::cliprange_value>("clip the value to its old value ± c", more_than(0.0)),
      field<&C::score_position>("where the score of a response that ended is paid; after_eos: one step after its last "
                                "token, at a value of its own, "
                                "as in N+ and TRL"),
      field<&C::gamma>("discount per token", in_range(0.0, 1.0)),
      field<&C::gae_lambda>("lambda of advantage: gae", in_range(0.0, 1.0)),
      field<&C::num_ppo_epochs>("passes over each rollout", in_range(1, 64)),
      field<&C::target_kl>("leave out the remaining policy updates on a rollout once ½·(logp − old)², averaged over a "
                           "mini-batch, exceeds "
                           "this, in nats per token; default: never",
                           more_than(0.0)),
      field<&C::num_mini_batches>("optimizer steps per pass; must divide rollout.batch_size", at_least(1)),
      field<&C::whiten_advantages>(
          "whiten advantages to mean 0 and variance 1 over the tokens of the rollout; default: "
          "true for gae and reinforce_plus_plus"),
      field<&C::whiten_rewards>(
          "whiten rewards to variance 1 over the tokens of the rollout; the mean does not change"),
      field<&C::loss_aggregation>(
          "loss of the policy: token_mean: mean over all tokens; sequence_mean: mean over the "
          "responses of the mean over their tokens; constant: sum over the tokens / (responses · "
          "rollout.max_new_tokens)"),
      field<&C::entropy_coef>("weight of the entropy bonus in the policy loss, per token", at_least(0.0)),
      field<&C::value_warmup_steps>("number of rollouts at the start that update only the value model", at_least(0)),
      field<&C::vf_coef>(
          "update policy and value model as one optimizer that takes the loss of the policy plus this times "
          "that of the value model: their gradients are clipped by their common norm; default: two "
          "optimizers, each clips by its own norm",
          more_than(0.0)),
      field<&C::ptx_coef>("weight of the pretraining loss (PPO-ptx) in each policy update: mean −log-probability of "
                          "the trained tokens of as "
                          "many samples of data.ptx as the mini-batch has responses",
                          at_least(0.0)));
}

/// The config of rlhf-ppo.
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
  EvalOptions eval{.max_samples = 128};
  CheckpointOptions checkpoint{.every_steps = 20, .keep_last = 2};
  LogOptions log{.every_steps = 1, .samples_every_steps = 10, .tensorboard = true};
};
constexpr auto describe(const PpoConfig*) {
  using C = PpoConfig;
  return std::make_tuple(field<&C::model>("the four models"), field<&C::data>("prompts"),
                         field<&C::rollout>("sampling"), field<&C::reward>("scores"), field<&C::ppo>("the algorithm"),
                         field<&C::train>("the run"), field<&C::optimizer>("AdamW of the policy"),
                         field<&C::value_optimizer>("AdamW of the value model"),
                         field<&C::lr_schedule>("learning rates over the run"),
                         field<&C::eval>("evaluation on the prompts of data.eval, counted in rollouts").may_change(),
                         field<&C::checkpoint>("checkpoints, counted in rollouts").may_change(),
                         field<&C::log>("metrics and samples, counted in rollouts").may_change());
}

}  // namespace rlhf
