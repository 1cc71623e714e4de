// A call in the backward pass between two layers.
#include "nn/on_gradient.h"

#include <optional>

#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Call : torch::CustomClassHolder {
  explicit Call(std::function<void()> f) : function(std::move(f)) {}
  std::function<void()> function;
};

class OnGradient : public torch::autograd::Function<OnGradient> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& sum, const std::optional<at::Tensor>& delta,
                               const std::function<void()>& then) {
    context->set_materialize_grads(false);
    context->saved_data["then"] = c10::IValue::make_capsule(c10::make_intrusive<Call>(then));
    variable_list out{sum.detach()};
    if (delta) out.push_back(delta->detach());
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto then = context->saved_data["then"].toCapsule();
    static_cast<const Call&>(*then).function();
    return {gradients[0], gradients.size() > 1 ? gradients[1] : at::Tensor(), at::Tensor()};
  }
};

bool needs_gradient(const at::Tensor& x) { return x.defined() && x.requires_grad(); }

}  // namespace

Residual on_gradient(const Residual& x, const std::function<void()>& then) {
  if (!at::GradMode::is_enabled() || !(needs_gradient(x.sum) || needs_gradient(x.delta))) return x;
  // Autograd does not take an undefined tensor.
  const variable_list out = OnGradient::apply(x.sum, x.delta.defined() ? std::optional(x.delta) : std::nullopt, then);
  return {out[0], out.size() > 1 ? out[1] : at::Tensor()};
}

}  // namespace rlhf
