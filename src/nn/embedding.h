#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Rows `tokens` [N] of `weight` [V,D]: [N,D]. Differentiable. The gradient of a row adds up in fp32: LibTorch's own on
/// a CPU adds in the weight's dtype, and in bfloat16 a token that occurs more than 256 times stops counting there.
at::Tensor embed(const at::Tensor& weight, const at::Tensor& tokens);

}  // namespace rlhf
