// RMS norm with the residual sum, by kernels or by LibTorch's operators.
#include "nn/rms_norm.h"

#include <optional>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Outputs: the norm and, if there is a delta, the sum.
struct AddRmsNorm : torch::autograd::Function<AddRmsNorm> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const std::optional<at::Tensor>& addend,
                               const at::Tensor& weight, double eps) {
    const at::Tensor delta = addend.value_or(at::Tensor());
    const at::Tensor norm = at::empty_like(x), sum = delta.defined() ? at::empty_like(x) : at::Tensor();
    const at::Tensor rstd = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
    with_element_type(x, [&]<typename T>(T) {
      kernels().of<T>().rms_norm(elements<T>(x), elements<T>(delta), elements<T>(weight), static_cast<float>(eps),
                                 mutable_elements<T>(sum), mutable_elements<T>(norm), mutable_elements<float>(rstd),
                                 x.size(0), x.size(1));
    });
    context->set_materialize_grads(false);
    context->save_for_backward({delta.defined() ? sum : x, weight, rstd});
    return delta.defined() ? variable_list{norm, sum} : variable_list{norm};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &sum = saved[0], &weight = saved[1], &rstd = saved[2];
    const at::Tensor grad_norm = gradients[0].defined() ? gradients[0].contiguous() : at::zeros_like(sum);
    const at::Tensor grad_sum =
        gradients.size() > 1 && gradients[1].defined() ? gradients[1].contiguous() : at::Tensor();
    const at::Tensor grad_x = at::empty_like(sum);
    const at::Tensor grad_weight = at::empty({sum.size(1)}, rstd.options());
    with_element_type(sum, [&]<typename T>(T) {
      kernels().of<T>().rms_norm_backward(elements<T>(grad_norm), elements<T>(grad_sum), elements<T>(sum),
                                          elements<T>(weight), elements<float>(rstd), mutable_elements<T>(grad_x),
                                          mutable_elements<float>(grad_weight), sum.size(0), sum.size(1));
    });
    return {grad_x, gradients.size() > 1 ? grad_x : at::Tensor(), grad_weight, at::Tensor()};
  }
};

}  // namespace

SumAndNorm add_rms_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight, double eps) {
  if (has_fused(Fused::norm, x)) {
    // An optional, because the autograd node reads the device of every tensor argument.
    const auto addend = delta.defined() ? std::optional(delta.contiguous()) : std::nullopt;
    const variable_list results = AddRmsNorm::apply(x.contiguous(), addend, weight, eps);
    return {delta.defined() ? results[1] : x, results[0]};
  }
  const at::Tensor sum = delta.defined() ? x.add(delta) : x;
  return {sum, at::rms_norm(sum, weight.sizes(), weight, eps)};
}

}  // namespace rlhf
