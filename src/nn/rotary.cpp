#include "nn/rotary.h"

#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/tensor/cpu_kernels.h"

#include "nn/split_heads.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// `direction` −1 turns the other way, which is the backward: a rotation's transpose is its inverse.
void rotate_in_place(const at::Tensor& qkv, std::int64_t rotated_heads, const RotaryTable& table, float direction) {
  const std::int64_t width = 2 * table.cos.size(1);
  with_element_type(qkv, [&]<typename T>(T) {
    kernels().of<T>().rotate(mutable_elements<T>(qkv), qkv.size(1), rotated_heads, width, elements<float>(table.cos),
                             elements<float>(table.sin), direction, qkv.size(0));
  });
}

struct RotateInPlace : torch::autograd::Function<RotateInPlace> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, std::int64_t rotated_heads,
                            const at::Tensor& cos, const at::Tensor& sin) {
    context->saved_data["rotated_heads"] = rotated_heads;
    context->save_for_backward({cos, sin});
    rotate_in_place(qkv, rotated_heads, {cos, sin}, 1.0F);
    context->mark_dirty({qkv});
    return qkv;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    // The gradient was made for this node by the attention's backward, which keeps nothing of it.
    const at::Tensor grad = gradients[0].contiguous();
    rotate_in_place(grad, context->saved_data["rotated_heads"].toInt(), {saved[0], saved[1]}, -1.0F);
    return {grad, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

RotaryTable make_rotary_table(const at::Tensor& positions, std::int64_t head_dim, double theta) {
  const at::TensorOptions fp32 = positions.options().dtype(at::kFloat);
  const at::Tensor exponents = at::arange(0, head_dim, 2, fp32).div(static_cast<double>(head_dim));
  const at::Tensor frequencies = at::pow(at::Scalar(theta), exponents).reciprocal();
  const at::Tensor angles = at::outer(positions.to(at::kFloat), frequencies);
  return {at::cos(angles), at::sin(angles)};
}

at::Tensor rotate(const at::Tensor& x, const RotaryTable& table) {
  const at::Tensor cos = table.cos.unsqueeze(1), sin = table.sin.unsqueeze(1);
  const std::vector<at::Tensor> halves = x.chunk(2, -1);
  return at::cat({halves[0].mul(cos).sub(halves[1].mul(sin)), halves[1].mul(cos).add(halves[0].mul(sin))}, -1)
      .to(x.scalar_type());
}

at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table) {
  if (has_kernels(qkv)) return RotateInPlace::apply(qkv, heads.queries + heads.keys, table.cos, table.sin);
  const SplitHeads split = split_heads(qkv, heads);
  return at::cat({rotate(split.q, table), rotate(split.k, table), split.v}, 1).flatten(1);
}

}  // namespace rlhf
