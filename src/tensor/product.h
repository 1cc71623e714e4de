#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ without recording a gradient, by the fastest available way: x [N,I], weight [O,I] -> [N,O]. The weight
/// may be a transposed view. Shapes and dtypes must fit.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight);

/// The same for inference: few rows, as in a decoding step, have a kernel. It adds in another order.
at::Tensor inference_product(const at::Tensor& x, const at::Tensor& weight);

/// The gradient of `weight` in x · weightᵀ, gradᵀ · x, added in place if possible (rlhf/tensor/gradient.h): the result
/// is then undefined.
at::Tensor weight_gradient(const at::Tensor& weight, const at::Tensor& grad, const at::Tensor& x);

}  // namespace rlhf
