#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ + bias: x [N,I], weight [O,I], bias [O] (undefined: none) -> [N,O]. Differentiable; the weight's
/// gradient is added in place where it can be (tensor/gradient.h). Few rows without a gradient (decoding) have a
/// kernel.
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// The gradient by x: grad · weight, grad [N,O] -> [N,I].
at::Tensor linear_input_gradient(const at::Tensor& grad, const at::Tensor& weight);

}  // namespace rlhf
