#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// silu(gate) · up for rows gate‖up: [N,2I] -> [N,I]. Differentiable; the backward computes silu again, so that only
/// its input is kept. Source: arXiv:2002.05202.
at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace rlhf
