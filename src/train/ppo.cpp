#include "rlhf/train/ppo.h"

#include <chrono>
#include <cmath>

#include <ATen/core/grad_mode.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/lr_schedule.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/tensor/device.h"

#include "ppo_metrics.h"
#include "ppo_update.h"

namespace rlhf {

namespace {

constexpr std::uint64_t kRolloutStream = 0x726f6c6c;  // apart from the streams that shuffle prompts

/// Seconds since the last call, once the device has caught up.
class StageClock {
 public:
  explicit StageClock(at::Device device) : device_(device), last_(std::chrono::steady_clock::now()) {}
  double lap() {
    synchronize(device_);
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  at::Device device_;
  std::chrono::steady_clock::time_point last_;
};

/// The missing-EOS rule on the scores of responses that ran into max_new_tokens.
void apply_missing_eos(std::vector<float>& scores, const std::vector<Finish>& finish, const RewardOptions& options) {
  if (scores.size() != finish.size())
    throw ShapeError("rewards: expected " + std::to_string(finish.size()) + ", one per response, found " +
                     std::to_string(scores.size()));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i]))
      throw NumericsError("reward of response " + std::to_string(i) + ": expected a finite number, found " +
                          std::to_string(scores[i]));
    if (finish[i] == Finish::stop) continue;
    switch (options.missing_eos) {
      case MissingEos::replace:
        scores[i] = static_cast<float>(options.missing_eos_value);
        break;
      case MissingEos::subtract:
        scores[i] -= static_cast<float>(std::abs(options.missing_eos_value));
        break;
      case MissingEos::none:
        break;
    }
  }
}

}  // namespace

PpoState::PpoState(PpoModels& models, const PpoConfig& config)
    : policy_optimizer(models.policy.parameters(), config.optimizer),
      value_optimizer(models.value.parameters(), config.value_optimizer),
      kl_coef(config.ppo.kl_coef) {}

Rollout generate_rollout(PpoModels& models, std::span<const PromptSample* const> prompts, const PpoConfig& config,
                         const TokenIds& stop_ids, std::int64_t step) {
  const SamplingOptions sampling{.max_new_tokens = config.rollout.max_new_tokens,
                                 .temperature = config.rollout.temperature,
                                 .top_p = config.rollout.top_p,
                                 .top_k = config.rollout.top_k,
                                 .stop_ids = stop_ids,
                                 .seed = static_cast<std::uint64_t>(config.train.seed)};
  std::vector<GenerationRequest> requests;
  std::vector<const TokenIds*> ids;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    ids.push_back(&prompts[i]->ids);
    requests.push_back({ids.back(), random_stream(kRolloutStream, static_cast<std::uint64_t>(step), i)});
  }
  const auto generations = generate(models.policy, requests, sampling, static_cast<std::int64_t>(requests.size()));
  return make_rollout(ids, generations, models.policy.device());
}

RolloutTexts decode_rollout(const PpoModels& models, const Rollout& rollout,
                            std::span<const PromptSample* const> prompts) {
  RolloutTexts texts;
  const at::Tensor tokens = rollout.tokens.cpu();
  const std::int64_t* ids = tokens.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rollout.responses.count(); ++i) {
    const TokenIds response(ids + rollout.responses.offsets[i], ids + rollout.responses.offsets[i + 1]);
    texts.prompts.push_back(prompts[i]->text);
    texts.responses.push_back(models.tokenizer ? models.tokenizer->decode(response) : std::string());
    texts.records.push_back(prompts[i]->extra);
  }
  return texts;
}

ScoredRollout score_rollout(PpoModels& models, Rollout rollout, const RolloutTexts& texts, const PpoConfig& config,
                            const PpoPlan& plan) {
  const at::NoGradGuard no_gradient;
  std::vector<float> scores = models.reward.score({rollout, texts.prompts, texts.responses, texts.records});
  apply_missing_eos(scores, rollout.finish, config.reward);
  const auto order = all_sequences(rollout);
  at::Tensor ref_logprobs = logprobs_of(models.reference, rollout, order, config.rollout.temperature, plan);
  at::Tensor values = values_of(models.value, rollout, order, plan);
  const at::Tensor scores_on_device = to_device(scores, rollout.tokens.device());
  return {std::move(rollout), ref_logprobs, values, scores_on_device};
}

PpoBatch make_ppo_batch(const ScoredRollout& scored, const PpoOptions& options, double kl_coef) {
  const at::NoGradGuard no_gradient;
  const Segments& responses = scored.rollout.responses;
  const at::Tensor kl = kl_k1(scored.rollout.logprobs, scored.ref_logprobs);
  at::Tensor rewards = token_rewards(kl, scored.scores, responses, kl_coef);
  if (options.whiten_rewards) rewards = whiten(rewards, compute_moments(rewards), false);
  auto [advantages, returns] = compute_gae(rewards, scored.values, responses, options.gamma, options.gae_lambda);
  if (options.whiten_advantages) advantages = whiten(advantages, compute_moments(advantages), true);
  return {scored.values, rewards, advantages, returns};
}

PpoStepResult ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                       const TokenIds& stop_ids, const PpoConfig& config, const PpoPlan& plan) {
  StageClock clock(models.policy.device());
  Rollout rollout = generate_rollout(models, prompts, config, stop_ids, state.step);
  RolloutTexts texts = decode_rollout(models, rollout, prompts);
  const double rollout_seconds = clock.lap();
  ScoredRollout scored = score_rollout(models, std::move(rollout), texts, config, plan);
  const PpoBatch batch = make_ppo_batch(scored, config.ppo, state.kl_coef);
  const double score_seconds = clock.lap();

  const double factor =
      lr_factor(config.lr_schedule.kind, state.step, plan.rollouts, plan.warmup_rollouts, config.lr_schedule.min_share);
  Metrics metrics = objective_metrics(scored, batch, state.kl_coef);
  const Metrics update = update_policy_and_value(models, state, scored, batch, config, plan, factor);
  for (const auto& [name, value] : update.items()) metrics.set(name, value);
  metrics.set("lr", config.optimizer.lr * factor);
  add_speed(metrics, scored.rollout, rollout_seconds, score_seconds, clock.lap());
  if (config.ppo.kl_controller == KlControllerKind::adaptive)
    state.kl_coef = adapt_kl_coef(state.kl_coef, *metrics.find("objective/kl"), config.ppo.kl_target_nats,
                                  scored.rollout.responses.count(), config.ppo.kl_horizon);
  ++state.step;
  return {std::move(metrics), std::move(scored), std::move(texts)};
}

}  // namespace rlhf
