#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// gelu is exact, x·Φ(x); gelu_tanh is its approximation with tanh.
enum class Activation { silu, gelu, gelu_tanh, relu };

at::Tensor activate(const at::Tensor& x, Activation activation);
/// activation(gate) · up: rows gate‖up [N,2I] -> [N,I]. Differentiable. Source: arXiv:2002.05202.
at::Tensor activate_gated(const at::Tensor& gate_up, Activation activation);

}  // namespace rlhf
