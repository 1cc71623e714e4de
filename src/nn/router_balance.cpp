// The load-balancing loss of routers.
#include "nn/router_balance.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Shared = c10::intrusive_ptr<RouterBalance>;

class AddGradient : public torch::autograd::Function<AddGradient> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& probabilities, const Shared& balance) {
    context->saved_data["balance"] = c10::IValue::make_capsule(balance);
    return probabilities.alias();
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto balance = context->saved_data["balance"].toCapsule();
    return {gradients[0].add(static_cast<const RouterBalance&>(*balance).gradient()), at::Tensor()};
  }
};

}  // namespace

at::Tensor RouterBalance::add(const at::Tensor& probabilities, const at::Tensor& experts) {
  if (!gradient_.defined()) {
    const at::NoGradGuard no_gradient;
    if (!sums_.defined()) {
      sums_ = at::zeros({probabilities.size(1)}, probabilities.options());
      choices_ = at::zeros({probabilities.size(1)}, probabilities.options());
    }
    sums_.add_(probabilities.sum(0));
    const at::Tensor chosen = experts.flatten();
    choices_.scatter_add_(0, chosen, at::ones_like(chosen, choices_.options()));
    tokens_ += probabilities.size(0);
  }
  return AddGradient::apply(probabilities, Shared::reclaim_copy(this));
}

at::Tensor RouterBalance::finish() {
  const at::NoGradGuard no_gradient;
  const auto count = static_cast<double>(sums_.size(0)), tokens = static_cast<double>(tokens_);
  gradient_ = choices_.mul(weight_ * count / (tokens * tokens));
  return choices_.dot(sums_).mul(count / (tokens * tokens));
}

}  // namespace rlhf
