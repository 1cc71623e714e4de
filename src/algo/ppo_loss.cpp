// The clipped policy and value losses of PPO, and the explained variance.
#include "rlhf/algo/ppo_loss.h"

#include <limits>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>

#include "rlhf/core/check_argument.h"

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMaxLogRatio = 20.0;  // exp(20) = 5e8 is far outside any clip range and does not overflow

}  // namespace

PolicyLoss ppo_policy_loss(const at::Tensor& logprobs, const at::Tensor& old_logprobs, const at::Tensor& advantages,
                           const PolicyClip& clip) {
  check_shape(logprobs, "logprobs", {-1});
  check_vector(logprobs, "logprobs", -1, logprobs.device());
  check_vector(old_logprobs, "old_logprobs", logprobs.size(0), logprobs.device());
  check_vector(advantages, "advantages", logprobs.size(0), logprobs.device());
  check_argument(clip.low > 0 && clip.low <= 1, "cliprange", "above 0 and at most 1", clip.low);
  check_argument(clip.high > 0, "cliprange_high", "above 0", clip.high);
  check_argument(clip.dual == 0 || clip.dual > 1, "dual_clip", "0 or above 1", clip.dual);
  const at::Tensor log_ratio = logprobs.sub(old_logprobs);
  const at::Tensor ratio = log_ratio.clamp(-kMaxLogRatio, kMaxLogRatio).exp();
  const at::Tensor plain = advantages.neg().mul(ratio);
  const at::Tensor clipped = advantages.neg().mul(ratio.clamp(1.0 - clip.low, 1.0 + clip.high));
  const at::Tensor fixed_ratio = ratio.detach();
  at::Tensor losses = at::maximum(plain, clipped), is_clipped = clipped.detach().gt(plain.detach());
  if (clip.dual > 0) {
    const at::Tensor most = at::where(advantages.lt(0), advantages.mul(-clip.dual), kInfinity);
    is_clipped = is_clipped.logical_or(losses.detach().gt(most));
    losses = at::minimum(losses, most);
  }
  return {
      .losses = losses,
      .clipped = is_clipped.sum(),
      .approx_kl_sum = log_ratio.detach().square().sum().mul(0.5),
      .ratio_sum = fixed_ratio.sum(),
      .ratio_square_sum = fixed_ratio.square().sum(),
  };
}

at::Tensor loss_weights(const Segments& responses, LossAggregation aggregation, std::int64_t max_tokens) {
  check_argument(max_tokens > 0, "max_tokens", "above 0", max_tokens);
  const at::Tensor lengths = segment_lengths(responses).to(at::kFloat);  // [B]
  const auto count = static_cast<double>(responses.count()), total = static_cast<double>(responses.total());
  switch (aggregation) {
    case LossAggregation::sequence_mean:
      return segment_repeat(lengths.reciprocal().div(count), responses);
    case LossAggregation::constant:
      return at::full({responses.total()}, 1 / (count * static_cast<double>(max_tokens)), lengths.options());
    case LossAggregation::token_mean:
      break;
  }
  return at::full({responses.total()}, 1 / total, lengths.options());
}

ValueLoss ppo_value_loss(const at::Tensor& values, const at::Tensor& old_values, const at::Tensor& returns,
                         double cliprange_value) {
  check_shape(values, "values", {-1});
  check_vector(values, "values", -1, values.device());
  check_vector(old_values, "old_values", values.size(0), values.device());
  check_vector(returns, "returns", values.size(0), values.device());
  check_argument(cliprange_value > 0, "cliprange_value", "above 0", cliprange_value);
  const at::Tensor near_old =
      at::minimum(at::maximum(values, old_values.sub(cliprange_value)), old_values.add(cliprange_value));
  const at::Tensor plain = values.sub(returns).square();
  const at::Tensor clipped = near_old.sub(returns).square();
  return {
      .loss_sum = at::maximum(plain, clipped).sum().mul(0.5),
      .clipped = clipped.detach().gt(plain.detach()).sum(),
  };
}

at::Tensor explained_variance(const at::Tensor& values, const at::Tensor& returns) {
  check_shape(values, "values", {-1});
  check_numbers(values, "values", -1, values.device());
  check_numbers(returns, "returns", values.size(0), values.device());
  const at::Tensor target = returns.detach().to(at::kDouble);
  const at::Tensor unexplained = target.sub(values.detach().to(at::kDouble)).var(/*unbiased=*/false);
  const at::Tensor variance = target.var(/*unbiased=*/false);
  return at::where(variance.gt(0), unexplained.div(variance).neg().add(1), std::numeric_limits<double>::quiet_NaN());
}

}  // namespace rlhf
