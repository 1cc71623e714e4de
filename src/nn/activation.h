#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// gelu is the exact one, x·Φ(x); gelu_tanh its approximation by a hyperbolic tangent.
enum class Activation { silu, gelu, gelu_tanh, relu };

at::Tensor activate(const at::Tensor& x, Activation activation);
/// activation(gate) · up for rows gate‖up: [N,2I] -> [N,I]. Differentiable. Source: arXiv:2002.05202.
at::Tensor activate_gated(const at::Tensor& gate_up, Activation activation);

}  // namespace rlhf
