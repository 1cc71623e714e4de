#include "ppo_update.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/algo/ppo_loss.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/train/ppo.h"

#include "figures.h"

namespace rlhf {

namespace {

constexpr std::uint64_t kMiniBatchStream = 0x6d696e69;

/// Sums over the tokens of all updates of one rollout.
enum UpdateSum {
  kPolicyLoss,
  kValueLoss,
  kPolicyClipped,
  kValueClipped,
  kApproxKl,
  kRatio,
  kRatioSquare,
  kEntropy,
  kLogprobDiff,
  kNumSums
};

std::int64_t response_tokens(const Rollout& rollout, std::span<const std::size_t> sequences) {
  std::int64_t tokens = 0;
  for (const std::size_t i : sequences) tokens += rollout.responses.length(static_cast<std::int64_t>(i));
  return tokens;
}

void count_useful(const RolloutSlice& slice) { work_counters().useful_tokens += slice.batch.segments.total(); }

/// A value model that starts from a reward model starts at centred scores, as rewards are.
at::Tensor centred_values(ScalarModel& model, const RolloutSlice& slice) {
  return model.values(slice.batch, slice.predictors).sub(model.reward_mean());
}

/// The optimizer steps on one rollout.
class Update {
 public:
  Update(PpoModels& models, PpoState& state, const ScoredRollout& scored, const PpoBatch& batch,
         const PpoConfig& config, const PpoPlan& plan)
      : models_(models),
        state_(state),
        rollout_(scored.rollout),
        batch_(batch),
        config_(config),
        plan_(plan),
        old_logprobs_(at::zeros_like(rollout_.logprobs)),
        sums_(models.policy.device()) {}

  Metrics run(double lr_factor) {
    for (std::int64_t epoch = 0; epoch < config_.ppo.num_ppo_epochs; ++epoch) {
      const auto mini_batches = split(epoch);
      if (epoch == 0) take_old_logprobs(mini_batches);
      for (const auto& mini_batch : mini_batches) {
        const bool first = epoch == 0 && &mini_batch == &mini_batches.front();
        step(mini_batch, first, lr_factor);
      }
    }
    return metrics();
  }

 private:
  /// A fresh split of the rollout into mini-batches, a function of seed, step and epoch.
  std::vector<std::vector<std::size_t>> split(std::int64_t epoch) const {
    const auto order = random_permutation(
        static_cast<std::size_t>(rollout_.responses.count()), static_cast<std::uint64_t>(config_.train.seed),
        random_stream(kMiniBatchStream, static_cast<std::uint64_t>(state_.step), static_cast<std::uint64_t>(epoch)));
    const auto size = static_cast<std::size_t>(plan_.sequences_per_mini_batch);
    std::vector<std::vector<std::size_t>> parts;
    for (std::size_t begin = 0; begin < order.size(); begin += size)
      parts.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                         order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, order.size())));
    return parts;
  }

  /// The first mini-batch takes its old log-probabilities from its own first pass, before any weight moved; the others
  /// need a forward of their own, which is the only forward spent on old log-probabilities.
  void take_old_logprobs(const std::vector<std::vector<std::size_t>>& mini_batches) {
    std::vector<std::size_t> later;
    for (std::size_t i = 1; i < mini_batches.size(); ++i)
      later.insert(later.end(), mini_batches[i].begin(), mini_batches[i].end());
    if (later.empty()) return;
    old_logprobs_.add_(logprobs_of(models_.policy, rollout_, later, config_.rollout.temperature, plan_));
    extra_forwards_ = static_cast<std::int64_t>(later.size());
  }

  void step(const std::vector<std::size_t>& mini_batch, bool first, double lr_factor) {
    const auto tokens = static_cast<double>(response_tokens(rollout_, mini_batch));
    state_.policy_optimizer.zero_grad();
    state_.value_optimizer.zero_grad();
    for (const auto& group : micro_batches(rollout_, mini_batch, plan_)) {
      const RolloutSlice slice = slice_rollout(rollout_, group);
      policy_backward(slice, first, tokens);
      value_backward(slice, tokens);
    }
    if (first) compare_with_sampler(mini_batch);
    take_step(state_.policy_optimizer, config_.optimizer.lr * lr_factor, "policy", policy_grad_norm_);
    take_step(state_.value_optimizer, config_.value_optimizer.lr * lr_factor, "value model", value_grad_norm_);
    tokens_ += tokens;
  }

  void policy_backward(const RolloutSlice& slice, bool first, double tokens) {
    count_useful(slice);
    work_counters().label_rows += slice.tokens.size(0);
    const at::Tensor hidden = models_.policy.forward(slice.batch, slice.predictors);
    const auto loss_of_rows = [&](const at::Tensor& logprobs, std::int64_t begin, std::int64_t end) {
      const at::Tensor rows = slice.rows.slice(0, begin, end);
      if (first) old_logprobs_.index_copy_(0, rows, logprobs.detach());
      const PolicyLoss loss = ppo_policy_loss(logprobs, old_logprobs_.index_select(0, rows),
                                              batch_.advantages.index_select(0, rows), config_.ppo.cliprange);
      sums_.add(kPolicyLoss, loss.loss_sum);
      sums_.add(kPolicyClipped, loss.clipped);
      sums_.add(kApproxKl, loss.approx_kl_sum);
      sums_.add(kRatio, loss.ratio_sum);
      sums_.add(kRatioSquare, loss.ratio_square_sum);
      return loss.loss_sum.div(tokens);
    };
    const Logprobs now = backward_through_logprobs(
        hidden, models_.policy.head(), slice.tokens,
        {.temperature = config_.rollout.temperature, .logit_cap = models_.policy.logit_cap(), .entropy = true},
        loss_of_rows);
    sums_.add(kEntropy, now.entropy.sum());
  }

  void value_backward(const RolloutSlice& slice, double tokens) {
    count_useful(slice);
    const ValueLoss loss =
        ppo_value_loss(centred_values(models_.value, slice), batch_.old_values.index_select(0, slice.rows),
                       batch_.returns.index_select(0, slice.rows), config_.ppo.cliprange_value);
    loss.loss_sum.div(tokens).backward();
    sums_.add(kValueLoss, loss.loss_sum);
    sums_.add(kValueClipped, loss.clipped);
  }

  /// Sampler and training path must agree on what was sampled; before the first update of a run they have to.
  void compare_with_sampler(const std::vector<std::size_t>& mini_batch) {
    const at::Tensor rows = slice_rollout(rollout_, mini_batch).rows;
    const at::Tensor difference =
        old_logprobs_.index_select(0, rows).sub(rollout_.logprobs.index_select(0, rows)).abs();
    logprob_diff_ = difference.mean().item<double>();
    if (state_.step > 0) return;
    const bool exact = models_.policy.dtype() == at::kFloat;
    const double largest = difference.max().item<double>();
    if (largest <= (exact ? 1e-4 : 0.1) && logprob_diff_ <= (exact ? 1e-4 : 1e-2)) return;
    throw NumericsError(
        "before the first update: expected the sampler's log-probabilities to equal the training path's (" +
        std::string(exact ? "float32: at most 1e-4" : "bfloat16: mean at most 1e-2, largest 0.1") +
        "), found a mean difference of " + std::to_string(logprob_diff_) + ", largest " + std::to_string(largest) +
        "; hint: train.dtype=float32");
  }

  void take_step(AdamW& optimizer, double lr, const char* name, double& grad_norm) {
    grad_norm = optimizer.step(lr).item<double>();
    if (!std::isfinite(grad_norm))
      throw NumericsError("rollout " + std::to_string(state_.step + 1) + ": expected a finite gradient norm of the " +
                          name + ", found " + std::to_string(grad_norm) +
                          "; the last checkpoint stands; hint: lower the learning rate");
  }

  Metrics metrics() const {
    const auto sums = sums_.fetch();
    const auto mean = [&](UpdateSum i) { return sums[i] / tokens_; };
    Metrics metrics;
    metrics.set("policy/approxkl_avg", mean(kApproxKl));
    metrics.set("policy/clipfrac_avg", mean(kPolicyClipped));
    metrics.set("policy/entropy_avg", mean(kEntropy));
    metrics.set("loss/policy_avg", mean(kPolicyLoss));
    metrics.set("loss/value_avg", mean(kValueLoss));
    metrics.set("val/clipfrac_avg", mean(kValueClipped));
    metrics.set("val/ratio", mean(kRatio));
    metrics.set("val/ratio_var", std::max(0.0, mean(kRatioSquare) - mean(kRatio) * mean(kRatio)));
    metrics.set("policy/grad_norm", policy_grad_norm_);
    metrics.set("critic/grad_norm", value_grad_norm_);
    metrics.set("rollout/logprob_diff", logprob_diff_);
    metrics.set("rollout/extra_forwards", static_cast<double>(extra_forwards_));
    return metrics;
  }

  PpoModels& models_;
  PpoState& state_;
  const Rollout& rollout_;
  const PpoBatch& batch_;
  const PpoConfig& config_;
  const PpoPlan& plan_;
  at::Tensor old_logprobs_;  ///< [R]
  DeviceSums<kNumSums> sums_;
  double tokens_ = 0, policy_grad_norm_ = 0, value_grad_norm_ = 0, logprob_diff_ = 0;
  std::int64_t extra_forwards_ = 0;
};

/// Runs `read(slice)` [r] over micro-batches and puts the results where they belong in [R].
template <typename Read>
at::Tensor gather_over_micro_batches(const Rollout& rollout, std::span<const std::size_t> sequences,
                                     const PpoPlan& plan, const Read& read) {
  const at::NoGradGuard no_gradient;
  at::Tensor all = at::zeros_like(rollout.logprobs);
  for (const auto& group : micro_batches(rollout, sequences, plan)) {
    const RolloutSlice slice = slice_rollout(rollout, group);
    count_useful(slice);
    all.index_copy_(0, slice.rows, read(slice));
  }
  return all;
}

}  // namespace

std::vector<std::size_t> all_sequences(const Rollout& rollout) {
  std::vector<std::size_t> sequences(static_cast<std::size_t>(rollout.responses.count()));
  std::iota(sequences.begin(), sequences.end(), 0);
  return sequences;
}

std::vector<std::vector<std::size_t>> micro_batches(const Rollout& rollout, std::span<const std::size_t> sequences,
                                                    const PpoPlan& plan) {
  std::vector<std::int64_t> lengths;
  for (const std::size_t i : sequences) lengths.push_back(rollout.batch.segments.length(static_cast<std::int64_t>(i)));
  auto groups = pack_by_length(lengths, plan.micro_batch_tokens);
  for (auto& group : groups)
    for (std::size_t& member : group) member = sequences[member];
  return groups;
}

at::Tensor logprobs_of(CausalLM& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                       double temperature, const PpoPlan& plan) {
  return gather_over_micro_batches(rollout, sequences, plan, [&](const RolloutSlice& slice) {
    work_counters().label_rows += slice.tokens.size(0);
    const at::Tensor hidden = model.forward(slice.batch, slice.predictors);
    return linear_logprobs(hidden, model.head(), slice.tokens,
                           {.temperature = temperature, .logit_cap = model.logit_cap()})
        .logprobs;
  });
}

at::Tensor values_of(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const PpoPlan& plan) {
  return gather_over_micro_batches(rollout, sequences, plan,
                                   [&](const RolloutSlice& slice) { return centred_values(model, slice); });
}

Metrics update_policy_and_value(PpoModels& models, PpoState& state, const ScoredRollout& scored, const PpoBatch& batch,
                                const PpoConfig& config, const PpoPlan& plan, double lr_factor) {
  return Update(models, state, scored, batch, config, plan).run(lr_factor);
}

}  // namespace rlhf
