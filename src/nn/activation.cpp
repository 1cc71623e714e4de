// Gated activations.
#include "nn/activation.h"

#include <vector>

#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>

#include "rlhf/core/check.h"

#include "nn/swiglu.h"

namespace rlhf {

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::silu:
      return at::silu(x);
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::relu:
      return at::relu(x);
  }
  RLHF_CHECK(false, "unknown activation");
}

at::Tensor activate_gated(const at::Tensor& gate_up, Activation activation) {
  if (activation == Activation::silu) return swiglu(gate_up);
  const std::vector<at::Tensor> halves = gate_up.chunk(2, -1);
  return activate(halves[0], activation).mul(halves[1]);
}

}  // namespace rlhf
