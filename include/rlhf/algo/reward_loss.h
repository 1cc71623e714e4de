#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Bradley-Terry: Σ w·(−log σ(r_c − r_r − margin) + centering·(r_c + r_r)²). A ranking of K answers is its pairs, each
/// of weight w = 1 / their number, which is C(K, 2) without ties; divide by the number of rankings for the mean.
/// Shapes: chosen, rejected [P]; margin, weight [P] or undefined (0 and 1). Differentiable. Errors: ShapeError.
/// Source: arXiv:2203.02155, eq. 1; margin arXiv:2307.09288, eq. 2; centering arXiv:2312.09244.
at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& margin,
                              const at::Tensor& weight, double centering);

}  // namespace rlhf
