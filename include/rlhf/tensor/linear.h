#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ + bias: x [N,I], weight [O,I], bias [O] or undefined -> [N,O]. Differentiable. The gradient of the
/// weight is added in place if possible (tensor/gradient.h). Products of few rows without a gradient (decoding) use a
/// kernel. Errors: ShapeError, also for different dtypes or devices.
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// The gradient by x, grad · weight: grad [N,O], weight [O,I] -> [N,I].
at::Tensor linear_input_gradient(const at::Tensor& grad, const at::Tensor& weight);

}  // namespace rlhf
