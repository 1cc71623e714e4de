#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Bradley-Terry loss: Σ −w·log σ(r_c − r_r − margin). A ranking of K completions contributes all its pairs, C(K, 2) if
/// there are no ties, each with weight w = 1 / number of pairs. For the mean, divide by the number of rankings.
/// Shapes: chosen, rejected [P]; margin, weight [P], or undefined for 0 and 1. Differentiable; a NaN gives a
/// NaN. Errors: ShapeError.
/// Source: arXiv:2203.02155, eq. 1; margin arXiv:2307.09288, eq. 2.
at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& margin,
                              const at::Tensor& weight);

/// Centering term: Σ w·(r_c + r_r)², which keeps the scores near 0. Shapes and errors as above. Differentiable.
/// Source: arXiv:2312.09244.
at::Tensor centering_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& weight);

}  // namespace rlhf
