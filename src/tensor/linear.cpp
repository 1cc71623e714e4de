// Linear layers whose weight gradients are added in place.
#include "rlhf/tensor/linear.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/check_shape.h"

#include "tensor/product.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class Linear : public torch::autograd::Function<Linear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({weight.requires_grad() ? x : at::Tensor(), weight});  // frozen: x is not needed
    return product(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &grad = gradients[0];
    at::Tensor grad_x, grad_weight;
    if (context->needs_input_grad(0)) grad_x = linear_input_gradient(grad, weight);
    if (context->needs_input_grad(1)) grad_weight = weight_gradient(weight, grad, x);
    return {grad_x, grad_weight};
  }
};

/// Throws ShapeError unless the rows of `x` fit axis `axis` of the weight, in the same dtype and on the same device.
void check_factors(const at::Tensor& x, const char* name, const at::Tensor& weight, std::int64_t axis) {
  check_shape(weight, "weight", {-1, -1});
  check_shape(x, name, {-1, weight.size(axis)});
  check_floating(weight, "weight");
  check_dtype(x, name, weight.scalar_type());
  check_device(x, name, weight.device());
}

}  // namespace

at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  check_factors(x, "x", weight, 1);
  if (bias.defined()) check_shape(bias, "bias", {weight.size(0)});
  const bool differentiable = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const at::Tensor y = differentiable ? Linear::apply(x, weight) : inference_product(x, weight);
  return bias.defined() ? y.add(bias) : y;
}

at::Tensor linear_input_gradient(const at::Tensor& grad, const at::Tensor& weight) {
  check_factors(grad, "grad", weight, 0);
  return product(grad, weight.t());
}

}  // namespace rlhf
