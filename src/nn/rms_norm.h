#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

struct SumAndNorm {
  at::Tensor sum, norm;
};

/// The residual sum and its RMS norm, with the rounding of Hugging Face's Llama:
///   sum = x + delta (or x if delta is undefined),  norm = cast(sum / √(mean(sum²) + eps)) · weight,
///   the part inside cast in fp32 (float64 for float64)
/// Shapes: x, delta [N,D], weight [D] of one dtype; results [N,D]. Differentiable.
SumAndNorm add_rms_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight, double eps);

}  // namespace rlhf
