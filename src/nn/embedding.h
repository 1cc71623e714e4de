#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Rows `tokens` [N] of `weight` [V,D]: [N,D]. Differentiable. On a CPU the gradient of a row adds up in fp32, in the
/// weight's grad() if that exists: LibTorch's own adds in the weight's dtype (in bfloat16 a token that occurs more than
/// 256 times stops counting there) and makes a second table of [V,D].
at::Tensor embed(const at::Tensor& weight, const at::Tensor& tokens);

}  // namespace rlhf
