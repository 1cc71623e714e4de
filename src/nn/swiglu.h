#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// silu(gate) · up: rows gate‖up [N,2I] -> [N,I]. Differentiable. The backward pass recomputes silu, so only the input
/// is saved. Source: arXiv:2002.05202.
at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace rlhf
