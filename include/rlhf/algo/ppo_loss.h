#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Sums over the given tokens. For the mean, divide by the token count of the mini-batch (all micro-batches, all
/// ranks).
struct PolicyLoss {
  at::Tensor loss_sum;       ///< scalar, differentiable
  at::Tensor clipped;        ///< number of tokens where the clipped branch is active, detached
  at::Tensor approx_kl_sum;  ///< Σ ½·(logprobs − old_logprobs)², detached
  at::Tensor ratio_sum;      ///< Σ ratio, detached
  at::Tensor ratio_square_sum;
};

/// Clipped surrogate objective of PPO, negated: Σ max(−A·ρ, −A·clip(ρ, 1−ε, 1+ε)), ρ = exp(logprobs − old_logprobs).
/// The log ratio is clamped to ±20 before exp.
/// Shapes: all [R]; a NaN gives a NaN. Errors: ShapeError, ArgumentError. Source: arXiv:1707.06347, eq. 7.
PolicyLoss ppo_policy_loss(const at::Tensor& logprobs, const at::Tensor& old_logprobs, const at::Tensor& advantages,
                           double cliprange);

struct ValueLoss {
  at::Tensor loss_sum;  ///< scalar, differentiable
  at::Tensor clipped;   ///< number of tokens where the clipped branch is active, detached
};

/// Clipped value loss: ½·Σ max((V−R)², (clip(V, V_old−ε, V_old+ε) − R)²), R the returns. Shapes: all [R]; a NaN
/// gives a NaN. Errors: ShapeError, ArgumentError.
ValueLoss ppo_value_loss(const at::Tensor& values, const at::Tensor& old_values, const at::Tensor& returns,
                         double cliprange_value);

/// 1 − Var(returns − values) / Var(returns), a float64 scalar on their device: 1 for perfect values, 0 for constant
/// ones, NaN if Var(returns) is 0 or there are fewer than two tokens. Shapes: both [R]. Errors: ShapeError and, on a
/// CPU, NumericsError for a number that is not finite.
at::Tensor explained_variance(const at::Tensor& values, const at::Tensor& returns);

}  // namespace rlhf
