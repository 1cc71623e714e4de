// One step of PPO: rollout, scores, advantages, updates.
#include "rlhf/train/ppo.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "rlhf/algo/gae.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/ppo_loss.h"
#include "rlhf/algo/whiten.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/signals.h"

#include "figures.h"
#include "stage_clock.h"

namespace rlhf {

namespace {

/// What a step reads from the device at its end: the sums of PpoStep, then these.
enum Figure : std::size_t {
  kKl = PpoStep::kNumSums,
  kSampledEntropy,
  kScore,
  kExplainedVariance,
  kLogprobDiff,
  kPolicyNorm,   ///< of the last update
  kPolicyNorms,  ///< sum over all updates: not finite if one of them was not
  kValueNorm,
  kValueNorms,
  kNumFigures
};
using Figures = DeviceFigures<kNumFigures>;

/// The optimizer steps on one rollout: those of the policy and, independently, those of the value model.
class PpoUpdate {
 public:
  PpoUpdate(PpoModels& models, PpoState& state, const PpoConfig& config, const ForwardOptions& forward,
            const StepPosition& at, const PpoBatch& batch, PpoStep& done, Figures& figures)
      : models_(models),
        state_(state),
        config_(config),
        forward_(forward),
        at_(at),
        rollout_(done.scored.rollout),
        batch_(batch),
        done_(done),
        figures_(figures) {
    done_.policy_updated = at.step >= config.ppo.value_warmup_steps;
    if (done_.policy_updated) old_logprobs_.emplace(models.policy, rollout_, split(0), forward, done.work);
  }

  void run() {
    for (std::int64_t epoch = 0; epoch < config_.ppo.num_ppo_epochs; ++epoch) {
      const auto mini_batches = split(epoch);
      for (std::size_t i = 0; i < mini_batches.size(); ++i) {
        if (done_.policy_updated) update_policy(mini_batches[i], epoch == 0 && i == 0);
        update_value(mini_batches[i]);
        done_.updated_tokens += static_cast<double>(response_tokens(rollout_, mini_batches[i]));
      }
    }
    if (old_logprobs_) done_.extra_forwards = old_logprobs_->extra_forwards();
  }

 private:
  std::vector<std::vector<std::size_t>> split(std::int64_t epoch) const {
    const std::int64_t size = config_.rollout.batch_size / config_.ppo.num_mini_batches;
    return split_into_mini_batches(rollout_, size, config_.train.seed, at_.step, epoch);
  }

  void update_policy(const std::vector<std::size_t>& mini_batch, bool first) {
    const auto tokens = static_cast<double>(response_tokens(rollout_, mini_batch));
    const auto loss_of = [&](const at::Tensor& logprobs, const at::Tensor& rows) {
      const PolicyLoss loss = ppo_policy_loss(logprobs, old_logprobs_->of(rows, logprobs),
                                              batch_.advantages.index_select(0, rows), config_.ppo.cliprange);
      figures_.add(PpoStep::kPolicyLoss, loss.loss_sum);
      figures_.add(PpoStep::kPolicyClipped, loss.clipped);
      figures_.add(PpoStep::kApproxKl, loss.approx_kl_sum);
      figures_.add(PpoStep::kRatio, loss.ratio_sum);
      figures_.add(PpoStep::kRatioSquare, loss.ratio_square_sum);
      return loss.loss_sum.div(tokens);
    };
    state_.policy.weights.zero_gradients();
    figures_.add(PpoStep::kEntropy, backward_policy(models_.policy, rollout_, mini_batch, forward_, loss_of, done_.work,
                                                    -config_.ppo.entropy_coef / tokens));
    if (first) {
      const bool never_updated = at_.step == config_.ppo.value_warmup_steps;
      figures_.put(kLogprobDiff, old_logprobs_->end_first_update(models_.policy.dtype(), never_updated));
    }
    count_norm(state_.policy.optimizer.step(config_.optimizer.lr * at_.lr_factor), kPolicyNorm, kPolicyNorms);
  }

  void update_value(const std::vector<std::size_t>& mini_batch) {
    const auto tokens = static_cast<double>(response_tokens(rollout_, mini_batch));
    const auto loss_of = [&](const at::Tensor& values, const at::Tensor& rows) {
      const ValueLoss loss = ppo_value_loss(values, batch_.old_values.index_select(0, rows),
                                            batch_.returns.index_select(0, rows), config_.ppo.cliprange_value);
      figures_.add(PpoStep::kValueLoss, loss.loss_sum);
      figures_.add(PpoStep::kValueClipped, loss.clipped);
      return loss.loss_sum.div(tokens);
    };
    state_.value.weights.zero_gradients();
    backward_values(models_.value, rollout_, mini_batch, forward_, loss_of, done_.work);
    count_norm(state_.value.optimizer.step(config_.value_optimizer.lr * at_.lr_factor), kValueNorm, kValueNorms);
  }

  void count_norm(const at::Tensor& norm, Figure last, Figure sum) {
    figures_.put(last, norm);
    figures_.add(sum, norm);
  }

  PpoModels& models_;
  PpoState& state_;
  const PpoConfig& config_;
  const ForwardOptions& forward_;
  const StepPosition& at_;
  const Rollout& rollout_;
  const PpoBatch& batch_;
  PpoStep& done_;
  std::optional<OldLogprobs> old_logprobs_;  ///< if the policy is updated
  Figures& figures_;
};

void measure_objective(const PpoBatch& batch, const ScoredRollout& scored, Figures& figures) {
  const Rollout& rollout = scored.rollout;
  figures.put(kKl, kl_k1(rollout.logprobs, scored.ref_logprobs).sum());
  figures.put(kSampledEntropy, rollout.logprobs.sum().neg());
  figures.put(kScore, scored.scores.mean());
  figures.put(kExplainedVariance, explained_variance(batch.old_values, batch.returns));
}

/// Reads the figures of a step from the device.
void read(const Figures& figures, std::int64_t step, PpoStep& done) {
  const auto found = figures.fetch();
  std::copy_n(found.begin(), done.sums.size(), done.sums.begin());
  const auto responses = static_cast<double>(done.scored.rollout.finish.size());
  done.kl = found[kKl] / responses;
  done.sampled_entropy = found[kSampledEntropy] / responses;
  done.score = found[kScore];
  if (!std::isnan(found[kExplainedVariance])) done.explained_variance = found[kExplainedVariance];
  done.logprob_diff = found[kLogprobDiff];
  done.policy_grad_norm = found[kPolicyNorm];
  done.value_grad_norm = found[kValueNorm];
  check_gradient_norm(found[kPolicyNorms], "policy", step);
  check_gradient_norm(found[kValueNorms], "value model", step);
}

}  // namespace

PpoState::PpoState(PpoModels& models, const PpoConfig& config)
    : policy(models.policy.parameters(), config.optimizer),
      value(models.value.parameters(), config.value_optimizer),
      kl_coef(config.ppo.kl_coef) {}

PpoBatch make_ppo_batch(const ScoredRollout& scored, const at::Tensor& values, const PpoOptions& options,
                        double kl_coef) {
  const at::NoGradGuard no_gradient;
  const Segments& responses = scored.rollout.responses;
  const at::Tensor kl = kl_k1(scored.rollout.logprobs, scored.ref_logprobs);
  at::Tensor rewards = token_rewards(kl, scored.scores, responses, kl_coef);
  if (options.whiten_rewards) rewards = whiten(rewards, compute_moments(rewards), false);
  auto [advantages, returns] = compute_gae(rewards, values, responses, options.gamma, options.gae_lambda);
  if (options.whiten_advantages) advantages = whiten(advantages, compute_moments(advantages), true);
  return {values, rewards, advantages, returns};
}

std::unique_ptr<PpoStep> ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                                  const TokenIds& stop_ids, const PpoConfig& config, std::int64_t micro_batch_tokens,
                                  const StepPosition& at) {
  check_argument(config.ppo.num_ppo_epochs >= 1, "ppo.num_ppo_epochs", "at least 1", config.ppo.num_ppo_epochs);
  check_argument(config.ppo.num_mini_batches >= 1 && config.ppo.num_mini_batches <= config.rollout.batch_size,
                 "ppo.num_mini_batches", "from 1 to rollout.batch_size", config.ppo.num_mini_batches);
  auto done = std::make_unique<PpoStep>();
  const ForwardOptions forward{config.rollout.temperature, micro_batch_tokens};
  StageClock clock(models.policy.device());
  Rollout rollout = collect_rollout(models.policy, prompts, config.rollout, stop_ids, models.tokenizer,
                                    {.seed = config.train.seed, .step = at.step}, done->work);
  auto responses = read_responses(rollout, prompts, models.tokenizer);
  done->rollout_seconds = clock.lap();

  const auto everything = all_sequences(rollout);
  const Scores scores = score_responses(models.reward, rollout, responses, config.reward, done->work);
  const at::Tensor ref_logprobs = logprobs_of(models.reference, rollout, everything, forward, done->work);
  const at::Tensor values = values_of(models.value, rollout, everything, forward, done->work);
  done->scored = {std::move(rollout), std::move(responses), ref_logprobs, scores.values};
  done->clipped_scores = scores.clipped;
  done->agreement = scores.agreement;
  done->scores_spread = scores.spread;
  done->agreement_weight = *config.reward.agreement_penalty.number;
  const PpoBatch batch = make_ppo_batch(done->scored, values, config.ppo, state.kl_coef);
  Figures figures(models.policy.device());
  measure_objective(batch, done->scored, figures);
  done->score_seconds = clock.lap();

  const StopDeferral whole_update;  // a run cannot resume in the middle of an update
  PpoUpdate(models, state, config, forward, at, batch, *done, figures).run();
  read(figures, at.step, *done);
  done->update_seconds = clock.lap();
  done->tokens = done->scored.rollout.batch.segments.total();
  done->episode = (at.step + 1) * static_cast<std::int64_t>(prompts.size());
  done->lr = config.optimizer.lr * at.lr_factor;
  done->kl_coef = state.kl_coef;
  if (done->policy_updated && config.ppo.kl_controller == KlControllerKind::adaptive)
    state.kl_coef = adapt_kl_coef(state.kl_coef, done->kl, config.ppo.kl_target_nats,
                                  static_cast<std::int64_t>(prompts.size()), config.ppo.kl_horizon);
  return done;
}

}  // namespace rlhf
