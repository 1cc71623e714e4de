#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Bradley-Terry: Σ −log σ(r_c − r_r − margin) + centering·(r_c + r_r)². Divide by the number of pairs for the mean.
/// Shapes: chosen, rejected [P]; margin [P] or undefined. Differentiable. Errors: ShapeError.
/// Source: arXiv:2203.02155, eq. 1; margin arXiv:2307.09288, eq. 2; centering arXiv:2312.09244.
at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& margin,
                              double centering);

}  // namespace rlhf
