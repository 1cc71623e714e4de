#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ: x [N,I], weight [O,I] -> [N,O]. Differentiable. A CPU has a kernel of its own for few rows without a
/// gradient (decoding), where LibTorch's reaches a half of the memory's speed.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight);

}  // namespace rlhf
