// Token embedding.
#include "nn/embedding.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/gradient.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class WideEmbedding : public torch::autograd::Function<WideEmbedding> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& weight, const at::Tensor& tokens) {
    ctx->save_for_backward({weight, tokens});
    return at::embedding(weight, tokens);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &weight = saved[0], &tokens = saved[1];
    if (adds_in_place(weight)) {
      add_rows(weight.grad(), tokens, grads[0]);  // adds a few rows instead of a whole table
      return {at::Tensor(), at::Tensor()};
    }
    const at::Tensor sum = at::zeros(weight.sizes(), weight.options().dtype(at::kFloat));
    add_rows(sum, tokens, grads[0]);
    return {sum, at::Tensor()};
  }
};

}  // namespace

at::Tensor embed(const at::Tensor& weight, const at::Tensor& tokens) {
  return has_fused(Fused::embedding, weight) ? WideEmbedding::apply(weight, tokens) : at::embedding(weight, tokens);
}

}  // namespace rlhf
