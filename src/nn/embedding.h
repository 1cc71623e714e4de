#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// The rows `tokens` of `weight`: tokens [N], weight [V,D] -> [N,D]. Differentiable. On a CPU, the gradient of a row is
/// summed in fp32, directly in the weight's grad() if that is defined. LibTorch's own operator sums in the weight's
/// dtype (in bfloat16, occurrences of a token after about 256 are lost) and allocates a second table of [V,D].
at::Tensor embed(const at::Tensor& weight, const at::Tensor& tokens);

}  // namespace rlhf
