#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ + bias: x [N,I], weight [O,I], bias [O] (undefined: none) -> [N,O]. Differentiable. On a CPU the
/// gradient of a weight whose grad() exists is added to that (an optimizer's float32 sum), so backward() finds it there
/// and torch::autograd::grad() finds none; few rows without a gradient (decoding) have a kernel of their own.
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// Its gradients: by x, grad · weight: grad [N,O] -> [N,I];
at::Tensor linear_input_gradient(const at::Tensor& grad, const at::Tensor& weight);
/// by the weight, sum [O,I] += gradᵀ · x, where the sum may be wider than the factors.
void add_weight_gradient(const at::Tensor& sum, const at::Tensor& grad, const at::Tensor& x);

}  // namespace rlhf
