#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

struct AdvantagesAndReturns {
  at::Tensor advantages;  ///< [R]
  at::Tensor returns;     ///< [R]
};

/// Generalised advantage estimation (GAE) over the response tokens of each segment.
///   δ_t = r_t + γ·V_{t+1} − V_t;  A_t = δ_t + γ·λ·A_{t+1};  returns = A + V;  V and A beyond the segment's end are 0
/// Shapes: rewards, values [R] fp32 (fp64 kept), segments over R. Advantages are not whitened here.
/// Ranges: gamma, gae_lambda in [0,1]. Records no gradient. Errors: ShapeError, ArgumentError,
/// and, on a CPU, NumericsError for a number that is not finite.
/// Source: arXiv:1506.02438, eq. 16.
AdvantagesAndReturns compute_gae(const at::Tensor& rewards, const at::Tensor& values, const Segments& segments,
                                 double gamma, double gae_lambda);

}  // namespace rlhf
