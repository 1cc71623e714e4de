#include "nn/embedding.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class WideEmbedding : public torch::autograd::Function<WideEmbedding> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& weight, const at::Tensor& tokens) {
    ctx->save_for_backward({tokens});
    ctx->saved_data["rows"] = weight.size(0);
    return at::embedding(weight, tokens);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const at::Tensor tokens = ctx->get_saved_variables()[0];
    const at::Tensor grad = grads[0].to(at::kFloat);
    at::Tensor sum = at::zeros({ctx->saved_data["rows"].toInt(), grad.size(1)}, grad.options());
    sum.index_add_(0, tokens, grad);
    return {sum, at::Tensor()};
  }
};

}  // namespace

at::Tensor embed(const at::Tensor& weight, const at::Tensor& tokens) {
  const bool adds_narrowly = weight.is_cpu() && weight.scalar_type() == at::kBFloat16;
  return adds_narrowly ? WideEmbedding::apply(weight, tokens) : at::embedding(weight, tokens);
}

}  // namespace rlhf
