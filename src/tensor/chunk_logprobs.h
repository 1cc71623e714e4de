#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/tensor/linear_logprobs.h"

namespace rlhf {

/// Statistics of each row of logits, [R] each; undefined if not requested.
struct RowStatistics {
  at::Tensor logprobs, lse, entropy, correct;
  RowStatistics slice(std::int64_t begin, std::int64_t end) const;
};

/// The gradients of log-probability and entropy, [R]; either may be undefined.
struct RowGradients {
  at::Tensor logprobs, entropy;
  RowGradients slice(std::int64_t begin, std::int64_t end) const;
};

/// Allocates the statistics for the rows of `hidden`, in fp32 (float64 for float64).
RowStatistics make_row_statistics(const at::Tensor& hidden, const LogprobOptions& options);

/// Computes the statistics of a chunk from its logits before the temperature, z [c,V].
void read_logits(const at::Tensor& z, const at::Tensor& targets, double temperature, const RowStatistics& rows);

/// The gradient of z, in the dtype of z, whose memory it may overwrite. With p = softmax(z/τ), H the entropy, and g, h
/// the gradients of log-probability and entropy:  ∂/∂z_v = (g·(1[v = target] − p_v) − h·p_v·(log p_v + H)) / τ
at::Tensor logits_gradient(at::Tensor z, const at::Tensor& targets, double temperature, const RowStatistics& rows,
                           const RowGradients& gradients);

}  // namespace rlhf
