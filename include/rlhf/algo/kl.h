#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// k1 estimate of KL(π‖ref) at each sampled token: logprobs − ref_logprobs, in nats. Unbiased; may be negative.
/// Shapes: logprobs, ref_logprobs and result [R]. Errors: ShapeError and, on a CPU, NumericsError for a number that is
/// not finite. Source: J. Schulman, "Approximating KL divergence" (2020).
at::Tensor kl_k1(const at::Tensor& logprobs, const at::Tensor& ref_logprobs);

/// Estimates of KL(π‖ref) at each sampled token, differentiable by `logprobs`, with d = logprobs − ref_logprobs:
///   k1: d;  k2: ½·d²;  k3: exp(−d) − 1 + d
/// k1 and k3 are unbiased, k2 and k3 are not negative. As a loss, with samples of π: the gradient of k1 is 0 in
/// expectation, that of k2 is the gradient of KL(π‖ref), and that of k3 is the gradient of KL(ref‖π).
/// Shapes and source: as kl_k1. Errors: ShapeError.
at::Tensor kl_estimate(const at::Tensor& logprobs, const at::Tensor& ref_logprobs, KlEstimator estimator);

/// Adaptive KL coefficient: returns the next β, for a target KL in nats per sequence.
///   e = clip(kl / target − 1, −0.2, 0.2);  β ← β·(1 + e·n / horizon),  n = number of sequences in this rollout
/// Errors: ArgumentError. Source: arXiv:1909.08593, section 2.2.
double adapt_kl_coef(double kl_coef, double kl_nats_per_sequence, double target_nats, std::int64_t sequences,
                     double horizon);

/// Reward of each response token: −kl_coef·kl at every token, plus the sequence's score at its last token.
/// Shapes: kl [R], scores [B], B segments over R. Result [R] fp32.
/// Errors: ShapeError, also if a sequence has no tokens; ArgumentError; NumericsError as above.
at::Tensor token_rewards(const at::Tensor& kl, const at::Tensor& scores, const Segments& segments, double kl_coef);

}  // namespace rlhf
