#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Sums over the tokens given; divide by the mini-batch's token count (all micro-batches, all ranks) for the mean.
struct PolicyLoss {
  at::Tensor loss_sum;       ///< scalar, differentiable
  at::Tensor clipped;        ///< count of tokens where the clipped branch is active, detached
  at::Tensor approx_kl_sum;  ///< Σ ½·(logprobs − old_logprobs)², detached
  at::Tensor ratio_sum;      ///< Σ ratio, detached
  at::Tensor ratio_square_sum;
};

/// Clipped surrogate, as a loss: Σ max(−A·ρ, −A·clip(ρ, 1−ε, 1+ε)), ρ = exp(logprobs − old_logprobs).
/// Shapes: all [R]. The log ratio is clamped to ±20 before exp. Errors: ShapeError. Source: arXiv:1707.06347, eq. 7.
PolicyLoss ppo_policy_loss(const at::Tensor& logprobs, const at::Tensor& old_logprobs, const at::Tensor& advantages,
                           double cliprange);

struct ValueLoss {
  at::Tensor loss_sum;  ///< scalar, differentiable
  at::Tensor clipped;   ///< count of tokens where the clipped branch is active, detached
};

/// ½·Σ max((V−R)², (clip(V, V_old−ε, V_old+ε) − R)²). Shapes: all [R]. Errors: ShapeError.
ValueLoss ppo_value_loss(const at::Tensor& values, const at::Tensor& old_values, const at::Tensor& returns,
                         double cliprange_value);

/// 1 − Var(returns − values) / Var(returns): 1 is perfect, 0 no better than a constant. Undefined without variance.
struct ExplainedVariance {
  bool defined = false;
  double value = 0;
};
ExplainedVariance explained_variance(const at::Tensor& values, const at::Tensor& returns);

}  // namespace rlhf
