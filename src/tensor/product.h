#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// x · weightᵀ without recording a gradient, by the fastest available way: x [N,I], weight [O,I] -> [N,O]. The weight
/// may be a transposed view. Shapes and dtypes must fit.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight);

/// The same for the few rows of a decoding step, which a kernel computes.
at::Tensor product_of_few_rows(const at::Tensor& x, const at::Tensor& weight);
/// Whether product_of_few_rows() supports these factors and is faster.
bool has_few_rows(const at::Tensor& x, const at::Tensor& weight);

}  // namespace rlhf
