// The clipped policy and value losses of PPO, and the explained variance.
#include "rlhf/algo/ppo_loss.h"

#include <limits>

#include <ATen/core/Tensor.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>

#include "rlhf/core/check_argument.h"

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

constexpr double kMaxLogRatio = 20.0;  // exp(20) = 5e8 is far outside any clip range and does not overflow

}  // namespace

PolicyLoss ppo_policy_loss(const at::Tensor& logprobs, const at::Tensor& old_logprobs, const at::Tensor& advantages,
                           double cliprange) {
  check_shape(logprobs, "logprobs", {-1});
  check_vector(logprobs, "logprobs", -1, logprobs.device());
  check_vector(old_logprobs, "old_logprobs", logprobs.size(0), logprobs.device());
  check_vector(advantages, "advantages", logprobs.size(0), logprobs.device());
  check_argument(cliprange > 0 && cliprange <= 1, "cliprange", "above 0 and at most 1", cliprange);
  const at::Tensor log_ratio = logprobs.sub(old_logprobs);
  const at::Tensor ratio = log_ratio.clamp(-kMaxLogRatio, kMaxLogRatio).exp();
  const at::Tensor plain = advantages.neg().mul(ratio);
  const at::Tensor clipped = advantages.neg().mul(ratio.clamp(1.0 - cliprange, 1.0 + cliprange));
  const at::Tensor fixed_ratio = ratio.detach();
  return {
      .loss_sum = at::maximum(plain, clipped).sum(),
      .clipped = clipped.detach().gt(plain.detach()).sum(),
      .approx_kl_sum = log_ratio.detach().square().sum().mul(0.5),
      .ratio_sum = fixed_ratio.sum(),
      .ratio_square_sum = fixed_ratio.square().sum(),
  };
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
