// One step of PPO: rollout, scores, advantages, updates.
#include "rlhf/train/ppo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/ops/zeros.h>

#include "rlhf/algo/group_advantages.h"
#include "rlhf/algo/kl.h"
#include "rlhf/algo/ppo_loss.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/core/signals.h"

#include "figures.h"
#include "ppo_rollout.h"
#include "stage_clock.h"
#include "sum_over_ranks.h"

namespace rlhf {

namespace {

/// What a step reads from the device at its end: the sums of PpoStep, then these.
enum Figure : std::size_t {
  kKl = PpoStep::kNumSums,
  kSampledEntropy,
  kScore,
  kExplainedVariance,
  kEqualGroups,
  kLogprobDiff,
  kPolicyNorm,   ///< of the last update
  kPolicyNorms,  ///< sum over all updates: not finite if one of them was not
  kValueNorm,
  kValueNorms,
  kNumFigures
};
using Figures = DeviceFigures<kNumFigures>;

PolicyClip clip_of(const PpoOptions& options) {
  return {options.cliprange, options.cliprange_high.value_or(options.cliprange), options.dual_clip};
}

/// The optimizer steps on one rollout: those of the policy and of the value model.
class PpoUpdate {
 public:
  PpoUpdate(PpoModels& models, PpoState& state, const PpoConfig& config, const ForwardOptions& forward,
            const StepPosition& at, const PpoBatch& batch, const Rollout& value_rollout, PpoStep& done,
            Figures& figures)
      : models_(models),
        state_(state),
        config_(config),
        forward_(forward),
        at_(at),
        rollout_(done.scored.rollout),
        value_rollout_(value_rollout),
        clip_(clip_of(config.ppo)),
        loss_weights_(loss_weights(rollout_.responses, config.ppo.loss_aggregation, config.rollout.max_new_tokens)),
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
        const bool policy = done_.policy_updated && !stopped_ && prepare_policy(mini_batches[i], epoch == 0 && i == 0);
        const bool value = models_.value != nullptr;
        if (value) prepare_value(mini_batches[i]);
        take_steps(policy, value);
      }
    }
    done_.router_loss = models_.policy.take_router_loss();
    sum_over_ranks(models_.ranks, done_.router_loss);
    figures_.sum(models_.ranks, PpoStep::kNumSums);
    if (done_.router_loss) *done_.router_loss /= static_cast<double>(done_.policy_updates + (stopped_ ? 1 : 0));
    if (old_logprobs_) done_.extra_forwards = old_logprobs_->extra_forwards();
  }

 private:
  std::vector<std::vector<std::size_t>> split(std::int64_t epoch) const {
    const std::int64_t size = config_.rollout.batch_size / config_.ppo.num_mini_batches;
    return split_into_mini_batches(rollout_, size, config_.train.seed, at_.step, epoch);
  }

  /// loss_weights_ are those of the whole rollout: how many times as large is the rollout as this mini-batch?
  double rollouts_per(const std::vector<std::size_t>& mini_batch) const {
    if (config_.ppo.loss_aggregation != LossAggregation::token_mean)
      return static_cast<double>(rollout_.responses.count()) / static_cast<double>(mini_batch.size());
    return static_cast<double>(rollout_.responses.total()) / static_cast<double>(response_tokens(rollout_, mini_batch));
  }

  /// The losses [r] of the tokens `rows`, with the KL penalty if it is in the loss.
  at::Tensor with_penalty(const at::Tensor& losses, const at::Tensor& logprobs, const at::Tensor& rows) {
    if (config_.ppo.kl_in != KlPlace::loss) return losses;
    const at::Tensor ref_logprobs = done_.scored.ref_logprobs.index_select(0, rows);
    const at::Tensor kl = kl_estimate(logprobs, ref_logprobs, config_.ppo.kl_estimator);
    figures_.add(PpoStep::kKlPenalty, kl.detach().sum());
    return losses.add(kl, state_.kl_coef);
  }

  /// Computes the gradient of the policy, if it is to be updated further.
  bool prepare_policy(const std::vector<std::size_t>& mini_batch, bool first) {
    state_.policy.zero_gradients();
    const at::Tensor approx_kl = add_policy_gradient(mini_batch);
    if (first) {
      const bool never_updated = at_.step == config_.ppo.value_warmup_steps;
      figures_.put(kLogprobDiff, old_logprobs_->end_first_update(models_.policy.dtype(), never_updated));
    }
    const auto tokens = static_cast<double>(response_tokens(rollout_, mini_batch));
    done_.policy_tokens += tokens;
    if (config_.ppo.target_kl) {  // only then does the update wait for the device and the other ranks
      models_.ranks.sum(approx_kl, "the KL to the policy before");
      stopped_ = approx_kl.item<double>() > *config_.ppo.target_kl * tokens;
    }
    if (!stopped_ && done_.has_ptx) add_ptx_gradient();
    if (stopped_) state_.policy.sum_gradients();  // which are on their way; the step is not made
    return !stopped_;
  }

  void take_steps(bool policy, bool value) {
    if (policy) state_.policy.sum_gradients();
    if (value) state_.value->sum_gradients();
    std::optional<std::array<at::Tensor, 2>> norms;  // before clipping
    if (policy && value && config_.ppo.vf_coef)
      norms = clip_together(state_.policy.weights(), state_.value->weights(),
                            {state_.policy.sum_of_squares(), state_.value->sum_of_squares()},
                            config_.optimizer.max_grad_norm);
    if (policy) {
      const at::Tensor norm = state_.policy.step(config_.optimizer.lr * at_.lr_factor);
      count_norm(norms ? (*norms)[0] : norm, kPolicyNorm, kPolicyNorms);
      ++done_.policy_updates;
    }
    if (value) {
      const at::Tensor norm = state_.value->step(config_.value_optimizer.lr * at_.lr_factor);
      count_norm(norms ? (*norms)[1] : norm, kValueNorm, kValueNorms);
    }
  }

  /// Returns Σ ½·(logp − old)² of this rank's part of the mini-batch.
  at::Tensor add_policy_gradient(const std::vector<std::size_t>& mini_batch) {
    const double scale = rollouts_per(mini_batch);
    at::Tensor approx_kl = at::zeros({}, rollout_.logprobs.options().dtype(at::kDouble));
    const auto loss_of = [&](const at::Tensor& logprobs, const at::Tensor& rows) {
      const PolicyLoss loss =
          ppo_policy_loss(logprobs, old_logprobs_->of(rows, logprobs), batch_.advantages.index_select(0, rows), clip_);
      figures_.add(PpoStep::kPolicyLoss, loss.losses.detach().sum());
      figures_.add(PpoStep::kPolicyClipped, loss.clipped);
      approx_kl.add_(loss.approx_kl_sum);
      figures_.add(PpoStep::kRatio, loss.ratio_sum);
      figures_.add(PpoStep::kRatioSquare, loss.ratio_square_sum);
      return with_penalty(loss.losses, logprobs, rows).dot(loss_weights_.index_select(0, rows)).mul(scale);
    };
    const auto tokens = static_cast<double>(response_tokens(rollout_, mini_batch));
    ForwardOptions forward = forward_;
    forward.trained = &state_.policy;
    forward.last_passes = !done_.has_ptx;
    figures_.add(PpoStep::kEntropy, backward_policy(models_.policy, rollout_, mini_batch, forward, loss_of, done_.work,
                                                    -config_.ppo.entropy_coef / tokens));
    figures_.add(PpoStep::kApproxKl, approx_kl);
    return approx_kl;
  }

  void add_ptx_gradient() {
    const std::int64_t per_rollout = config_.ppo.num_ppo_epochs * config_.ppo.num_mini_batches;
    const std::int64_t number = at_.step * per_rollout + done_.policy_updates;
    figures_.add(PpoStep::kPtxLoss, models_.ptx->backward(models_.policy, number, config_.ppo.ptx_coef, done_.work,
                                                          models_.ranks, &state_.policy));
  }

  void prepare_value(const std::vector<std::size_t>& mini_batch) {
    const auto tokens = static_cast<double>(response_tokens(value_rollout_, mini_batch));
    const double weight = config_.ppo.vf_coef.value_or(1);
    const auto loss_of = [&](const at::Tensor& values, const at::Tensor& rows) {
      const ValueLoss loss = ppo_value_loss(values, batch_.old_values.index_select(0, rows),
                                            batch_.returns.index_select(0, rows), config_.ppo.cliprange_value);
      figures_.add(PpoStep::kValueLoss, loss.loss_sum);
      figures_.add(PpoStep::kValueClipped, loss.clipped);
      return loss.loss_sum.mul(weight).div(tokens);
    };
    state_.value->zero_gradients();
    ForwardOptions forward = forward_;
    forward.trained = &*state_.value;
    backward_values(*models_.value, value_rollout_, mini_batch, forward, loss_of, done_.work);
    done_.value_tokens += tokens;
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
  const Rollout& value_rollout_;  ///< with the rows after the end, if these have values
  const PolicyClip clip_;
  const at::Tensor loss_weights_;  ///< [R]
  const PpoBatch& batch_;
  PpoStep& done_;
  std::optional<OldLogprobs> old_logprobs_;  ///< if the policy is updated
  bool stopped_ = false;                     ///< ppo.target_kl was exceeded
  Figures& figures_;
};

void measure_objective(const PpoBatch& batch, const ScoredRollout& scored, std::int64_t samples_per_prompt,
                       Figures& figures) {
  const Rollout& rollout = scored.rollout;
  figures.put(kKl, kl_k1(rollout.logprobs, scored.ref_logprobs).sum());
  figures.put(kSampledEntropy, rollout.logprobs.sum().neg());
  figures.put(kScore, scored.scores.mean());
  if (batch.returns.defined()) figures.put(kExplainedVariance, explained_variance(batch.old_values, batch.returns));
  if (samples_per_prompt > 1)
    figures.put(kEqualGroups, equal_groups(scored.scores, samples_per_prompt).to(at::kDouble).mean());
}

/// Reads the figures of a step from the device.
void read(const Figures& figures, std::int64_t step, std::int64_t samples_per_prompt, PpoStep& done) {
  const auto found = figures.fetch();
  std::copy_n(found.begin(), done.sums.size(), done.sums.begin());
  const auto responses = static_cast<double>(done.scored.rollout.finish.size());
  done.kl = found[kKl] / responses;
  done.sampled_entropy = found[kSampledEntropy] / responses;
  done.score = found[kScore];
  if (done.value_updated && !std::isnan(found[kExplainedVariance])) done.explained_variance = found[kExplainedVariance];
  if (samples_per_prompt > 1) done.equal_groups = found[kEqualGroups];
  done.logprob_diff = found[kLogprobDiff];
  done.policy_grad_norm = found[kPolicyNorm];
  done.value_grad_norm = found[kValueNorm];
  check_gradient_norm(found[kPolicyNorms], "policy", step);
  check_gradient_norm(found[kValueNorms], "value model", step);
}

}  // namespace

PpoState::PpoState(PpoModels& models, const PpoConfig& config)
    : policy(models.policy.parameters(), config.optimizer, models.ranks, config.train.shard, &models.policy),
      kl_coef(config.ppo.kl_coef) {
  check_argument(config.ppo.has_value_model() == (models.value != nullptr), "models.value",
                 "a value model with ppo.advantage: gae, and none without", models.value ? "one" : "none");
  if (models.value != nullptr)
    value.emplace(models.value->parameters(), config.value_optimizer, models.ranks, config.train.shard,
                  &models.value->trunk());
}

std::unique_ptr<PpoStep> ppo_step(PpoModels& models, PpoState& state, std::span<const PromptSample* const> prompts,
                                  const TokenIds& stop_ids, const PpoConfig& config, std::int64_t micro_batch_tokens,
                                  const StepPosition& at, const RefillPrompts& refill) {
  check_argument(config.ppo.num_ppo_epochs >= 1, "ppo.num_ppo_epochs", "at least 1", config.ppo.num_ppo_epochs);
  check_argument(config.ppo.num_mini_batches >= 1 && config.ppo.num_mini_batches <= config.rollout.batch_size,
                 "ppo.num_mini_batches", "from 1 to rollout.batch_size", config.ppo.num_mini_batches);
  if (config.ppo.ptx_coef > 0) check_given(models.ptx, "models.ptx", "samples, with ppo.ptx_coef above 0");
  auto done = std::make_unique<PpoStep>();
  const ForwardOptions forward{config.rollout.temperature, micro_batch_tokens, models.ranks};
  StageClock clock(models.policy.device());
  auto [asked, rollout, responses, scores, sampled, moments] =
      sample_ppo_rollout(models, state.score_moments, prompts, stop_ids, config, at, refill, clock, *done);
  const auto everything = all_sequences(rollout);
  const at::Tensor ref_logprobs = logprobs_of(models.reference, rollout, everything, forward, done->work);
  std::optional<RowsAfterEnd> after_end;
  if (config.ppo.pays_after_end()) after_end = add_rows_after_end(rollout);
  at::Tensor values;
  if (models.value != nullptr)
    values = values_of(*models.value, after_end ? after_end->rollout : rollout, everything, forward, done->work);
  done->scored = {std::move(rollout), std::move(responses), ref_logprobs, scores.values};
  done->clipped_scores = scores.clipped;
  done->agreement = scores.agreement;
  done->scores_spread = scores.spread;
  done->terms = scores.terms;
  done->score_scale = scores.scale;
  done->agreement_weight = *config.reward.agreement_penalty.number;
  done->value_updated = models.value != nullptr;
  done->kl_in_loss = config.ppo.kl_in == KlPlace::loss;
  done->has_ptx = config.ppo.ptx_coef > 0;
  const std::int64_t samples_per_prompt = config.rollout.num_samples_per_prompt;
  if (config.rollout.refill_equal_groups > 0)
    done->refilled = (sampled - static_cast<std::int64_t>(asked.size())) / samples_per_prompt;
  const PpoBatch batch = make_ppo_batch(done->scored, values, config.ppo, state.kl_coef, samples_per_prompt,
                                        after_end ? &*after_end : nullptr);
  Figures figures(models.policy.device());
  measure_objective(batch, done->scored, samples_per_prompt, figures);
  done->score_seconds += clock.lap();

  const StopDeferral whole_update;  // a run cannot resume in the middle of an update
  state.score_moments = moments;
  const Rollout& value_rollout = after_end ? after_end->rollout : done->scored.rollout;
  PpoUpdate(models, state, config, forward, at, batch, value_rollout, *done, figures).run();
  sum_over_ranks(models.ranks, done->work);
  read(figures, at.step, samples_per_prompt, *done);
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
