#pragma once

#include <ATen/core/Tensor.h>

#include "nn/rms_norm.h"

namespace rlhf {

enum class NormKind {
  rms,           ///< add_rms_norm()
  rms_plus_one,  ///< the same with 1 + weight, computed in fp32 (Gemma)
  layer          ///< layer norm: subtracts the mean
};

struct Norm {
  NormKind kind = NormKind::rms;
  double eps = 1e-6;
  at::Tensor weight, bias;  ///< [D]; undefined weight: no norm; the bias may be undefined
};

/// sum = x + delta (or x if delta is undefined) and its norm (the sum again if there is none). x, delta [N,D] -> [N,D]
/// each. Differentiable.
SumAndNorm add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& norm);
/// The norm over the last dimension of x [...,D], or x if there is no norm.
at::Tensor apply_norm(const at::Tensor& x, const Norm& norm);

}  // namespace rlhf
