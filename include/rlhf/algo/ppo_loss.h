#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// The loss of each token, and sums over the tokens. For a mean over tokens, divide the sum of the losses by the token
/// count of the mini-batch (all micro-batches, all ranks).
struct PolicyLoss {
  at::Tensor losses;         ///< [R], differentiable
  at::Tensor clipped;        ///< number of tokens where the clipped branch is active, detached
  at::Tensor approx_kl_sum;  ///< Σ ½·(logprobs − old_logprobs)², detached
  at::Tensor ratio_sum;      ///< Σ ratio, detached
  at::Tensor ratio_square_sum;
};

/// Where the ratio of the policy is clipped.
struct PolicyClip {
  double low = 0.2;   ///< ε: below 1 − ε
  double high = 0.2;  ///< ε': above 1 + ε'; more than ε is "clip higher" of DAPO, arXiv:2503.14476
  double dual = 0;    ///< c above 1: for A < 0 the loss is at most −c·A (arXiv:1912.09729); 0: no such limit
};

/// Clipped surrogate objective of PPO, negated: max(−A·ρ, −A·clip(ρ, 1−ε, 1+ε')), ρ = exp(logprobs − old_logprobs).
/// The log ratio is clamped to ±20 before exp.
/// Shapes: all [R]; a NaN gives a NaN. Errors: ShapeError, ArgumentError. Source: arXiv:1707.06347, eq. 7.
PolicyLoss ppo_policy_loss(const at::Tensor& logprobs, const at::Tensor& old_logprobs, const at::Tensor& advantages,
                           const PolicyClip& clip);

/// The weights with which the losses of the tokens of B responses sum up to one loss, [R] float32:
///   token_mean: 1/R;  sequence_mean: 1/(B·T_i), T_i the tokens of the response;  constant: 1/(B·max_tokens)
/// Sources: DAPO, arXiv:2503.14476; GRPO, arXiv:2402.03300; Dr. GRPO, arXiv:2503.20783. Errors: ShapeError,
/// ArgumentError.
at::Tensor loss_weights(const Segments& responses, LossAggregation aggregation, std::int64_t max_tokens);

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
