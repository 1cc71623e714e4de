// Layers whose activations are computed again in the backward pass.
#include "nn/recompute.h"

#include <mutex>
#include <optional>
#include <utility>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The state of LibTorch's default generator of a device.
at::Tensor random_state(at::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}
void set_random_state(at::Device device, const at::Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

struct Kept : torch::CustomClassHolder {
  explicit Kept(LayerBody layer) : body(std::move(layer)) {}
  LayerBody body;
};

class Recompute : public torch::autograd::Function<Recompute> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& sum, const std::optional<at::Tensor>& addend,
                               const LayerBody& body, bool draws) {
    const at::Tensor delta = addend.value_or(at::Tensor());
    context->save_for_backward({sum, delta});
    context->saved_data["body"] = c10::IValue::make_capsule(c10::make_intrusive<Kept>(body));
    if (draws) context->saved_data["random"] = random_state(sum.device());
    // With gradients, as in the second run: some operators have other kernels without them, and dropout is then off.
    // The record is thrown away at once.
    const at::AutoGradMode gradients(true);
    const Residual out = body({sum, delta});
    return {out.sum.detach(), out.delta.detach()};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto leaf = [](const at::Tensor& x) { return x.defined() ? x.detach().set_requires_grad(true) : x; };
    const Residual input{leaf(saved[0]), leaf(saved[1])};
    const auto body = context->saved_data["body"].toCapsule();
    const Residual out = again(context, static_cast<const Kept&>(*body).body, input);
    variable_list roots, above;
    for (const auto& [tensor, gradient] : {std::pair(out.sum, gradients[0]), {out.delta, gradients[1]}}) {
      if (!gradient.defined()) continue;
      roots.push_back(tensor);
      above.push_back(gradient);
    }
    torch::autograd::backward(roots, above);
    return {input.sum.grad(), input.delta.defined() ? input.delta.grad() : at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static Residual again(AutogradContext* context, const LayerBody& body, const Residual& input) {
    const at::AutoGradMode gradients(true);
    const auto random = context->saved_data.find("random");
    if (random == context->saved_data.end()) return body(input);
    const at::Device device = input.sum.device();
    const at::Tensor now = random_state(device);
    set_random_state(device, random->second.toTensor());
    Residual out = body(input);
    set_random_state(device, now);
    return out;
  }
};

}  // namespace

Residual recompute_in_backward(const LayerBody& body, const Residual& input, bool draws) {
  // Autograd does not take an undefined tensor.
  const auto delta = input.delta.defined() ? std::optional(input.delta) : std::nullopt;
  const variable_list out = Recompute::apply(input.sum, delta, body, draws);
  return {out[0], out[1]};
}

}  // namespace rlhf
