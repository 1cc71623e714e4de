#pragma once

#include <ATen/core/Tensor.h>

#include "nn/rms_norm.h"

namespace rlhf {

enum class NormKind {
  rms,           ///< add_rms_norm()
  rms_plus_one,  ///< the same with 1 + weight, all of it in fp32: Gemma's
  layer          ///< mean taken off, and a bias
};

struct Norm {
  NormKind kind = NormKind::rms;
  double eps = 1e-6;
  at::Tensor weight, bias;  ///< [D]; no weight: no norm
};

/// sum = x + delta (x where delta is undefined) and its norm. x, delta [N,D] -> [N,D] each. Differentiable.
SumAndNorm add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& norm);
/// The norm over the last dimension of x [...,D]; x itself where there is none.
at::Tensor apply_norm(const at::Tensor& x, const Norm& norm);

}  // namespace rlhf
