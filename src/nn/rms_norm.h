#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Root mean square norm over the last dimension, rounded as Hugging Face's Llama does it:
///   y = cast(x / √(mean(x²) + eps)) · weight,  the inner part in fp32 (float64 for float64)
/// Shapes: x [N,D], weight [D] of one dtype; result [N,D]. Differentiable. A CPU has a fused kernel, because there the
/// library's own operator is a chain of six; elsewhere the library's fused operator runs.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace rlhf
