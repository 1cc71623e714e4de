// The gated activation of Llama, by kernels or by LibTorch's operators.
#include "nn/swiglu.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/silu.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SwiGlu : torch::autograd::Function<SwiGlu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    const std::int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
    const at::Tensor out = at::empty({rows, width}, gate_up.options());
    with_element_type(gate_up, [&]<typename T>(T) {
      kernels().of<T>().swiglu(elements<T>(gate_up), mutable_elements<T>(out), rows, width);
    });
    context->save_for_backward({gate_up});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const at::Tensor grad = gradients[0].contiguous();
    const at::Tensor grad_gate_up = at::empty_like(gate_up);
    with_element_type(gate_up, [&]<typename T>(T) {
      kernels().of<T>().swiglu_backward(elements<T>(gate_up), elements<T>(grad), mutable_elements<T>(grad_gate_up),
                                        grad.size(0), grad.size(1));
    });
    return {grad_gate_up};
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate_up) {
  if (has_fused(Fused::gated_activation, gate_up)) return SwiGlu::apply(gate_up.contiguous());
  const std::vector<at::Tensor> halves = gate_up.chunk(2, -1);
  return at::silu(halves[0]).mul(halves[1]);
}

}  // namespace rlhf
