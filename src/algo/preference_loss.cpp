// Losses that train a policy on pairs.
#include "rlhf/algo/preference_loss.h"

#include <numbers>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/where.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

#include "algo/check_numbers.h"
#include "algo/labelled_sum.h"

namespace rlhf {
namespace {

/// A number for each of the chosen and of the rejected completions, [P] each.
struct Both {
  at::Tensor chosen, rejected;

  Both times(double factor) const { return {chosen.mul(factor), rejected.mul(factor)}; }
};

void check_vectors(const at::Tensor& chosen, const char* chosen_name, const at::Tensor& rejected,
                   const char* rejected_name, const PairLogprobs& pairs) {
  const at::Device device = pairs.chosen.device();
  check_vector(chosen, chosen_name, pairs.chosen.size(0), device);
  check_vector(rejected, rejected_name, pairs.chosen.size(0), device);
}

/// log π(y|x), after the checks that all losses make.
Both logprobs(const PairLogprobs& pairs, double beta) {
  check_argument(beta > 0, "beta", "above 0", beta);
  check_shape(pairs.chosen, "chosen", {-1});
  check_vectors(pairs.chosen, "chosen", pairs.rejected, "rejected", pairs);
  return {pairs.chosen, pairs.rejected};
}

/// log(π(y|x) / π_ref(y|x)).
Both log_ratios(const PairLogprobs& pairs, double beta) {
  const Both policy = logprobs(pairs, beta);
  check_vectors(pairs.ref_chosen, "ref_chosen", pairs.ref_rejected, "ref_rejected", pairs);
  return {policy.chosen.sub(pairs.ref_chosen), policy.rejected.sub(pairs.ref_rejected)};
}

/// Divided by the numbers of tokens.
Both per_token(const Both& sums, const PairLogprobs& pairs) {
  check_vectors(pairs.chosen_tokens, "chosen_tokens", pairs.rejected_tokens, "rejected_tokens", pairs);
  return {sums.chosen.div(pairs.chosen_tokens), sums.rejected.div(pairs.rejected_tokens)};
}

/// log(P / (1 − P)) of a log-probability log P.
at::Tensor log_odds(const at::Tensor& logprob) {
  const at::Tensor x = logprob.clamp_max(-1e-6);
  // log(1 − eˣ), by whichever of two forms loses no digits.
  const at::Tensor log_rest = at::where(x.gt(-std::numbers::ln2), x.expm1().neg().log(), x.exp().neg().log1p());
  return x.sub(log_rest);
}

}  // namespace

at::Tensor dpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta) {
  const Both rewards = log_ratios(pairs, beta).times(beta);
  return bradley_terry_loss(rewards.chosen, rewards.rejected, labels);
}

at::Tensor dpo_norm_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta) {
  const Both rewards = per_token(log_ratios(pairs, beta), pairs).times(beta);
  return bradley_terry_loss(rewards.chosen, rewards.rejected, labels);
}

at::Tensor dpo_hinge_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta) {
  const Both rewards = log_ratios(pairs, beta).times(beta);
  return hinge_loss(rewards.chosen, rewards.rejected, labels);
}

at::Tensor dpo_ipo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta) {
  const Both ratios = per_token(log_ratios(pairs, beta), pairs);
  return ipo_loss(ratios.chosen, ratios.rejected, labels, beta);
}

at::Tensor simpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta, double gamma) {
  const Both rewards = per_token(logprobs(pairs, beta), pairs).times(beta);
  PairLabels shifted = labels;
  shifted.margin = labels.margin.defined() ? labels.margin.add(gamma) : at::full_like(rewards.chosen, gamma);
  return bradley_terry_loss(rewards.chosen, rewards.rejected, shifted);
}

at::Tensor orpo_loss(const PairLogprobs& pairs, const PairLabels& labels, double beta) {
  const Both means = per_token(logprobs(pairs, beta), pairs);
  const at::Tensor nll = labelled_sum(
      means.chosen.neg(), [&] { return means.rejected.neg(); }, labels);
  return nll.add(bradley_terry_loss(log_odds(means.chosen), log_odds(means.rejected), labels), beta);
}

at::Tensor kto_loss(const at::Tensor& logprobs, const at::Tensor& ref_logprobs, const at::Tensor& desirable,
                    const at::Tensor& undesirable, double beta, const at::Tensor& kl) {
  check_argument(beta > 0, "beta", "above 0", beta);
  check_shape(logprobs, "logprobs", {-1});
  const at::Device device = logprobs.device();
  const auto check = [&](const at::Tensor& vector, const char* name) {
    check_vector(vector, name, logprobs.size(0), device);
  };
  check(ref_logprobs, "ref_logprobs");
  check(desirable, "desirable");
  check(undesirable, "undesirable");
  check_shape(kl, "kl", {});
  check_device(kl, "kl", device);
  const at::Tensor above = logprobs.sub(ref_logprobs).sub(kl).mul(beta);
  // 1 − σ(x) = σ(−x).
  return above.neg().sigmoid().mul(desirable).add(above.sigmoid().mul(undesirable)).sum();
}

at::Tensor kto_kl(const at::Tensor& logprobs, const at::Tensor& ref_logprobs) {
  check_shape(logprobs, "logprobs", {-1});
  check_vector(logprobs, "logprobs", -1, logprobs.device());
  check_vector(ref_logprobs, "ref_logprobs", logprobs.size(0), logprobs.device());
  if (logprobs.numel() == 0) throw ShapeError("logprobs: expected at least one, found none");
  return logprobs.detach().sub(ref_logprobs.detach()).mean().clamp_min(0);
}

}  // namespace rlhf
