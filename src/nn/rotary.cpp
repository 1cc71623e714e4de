// Rotary position embeddings.
#include "nn/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/core/check.h"
#include "rlhf/tensor/fused.h"

#include "nn/split_heads.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// `direction` −1 transposes, which is the backward pass.
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
    // In place: the attention's backward pass made this gradient only for this node.
    const at::Tensor grad = gradients[0].contiguous();
    rotate_in_place(grad, context->saved_data["rotated_heads"].toInt(), {saved[0], saved[1]}, -1.0F);
    return {grad, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor kept_by_llama3(const at::Tensor& frequencies, const RopeScaling& scaling) {
  const at::Tensor turns = frequencies.mul(scaling.original_positions / (2 * std::numbers::pi));
  return turns.sub(scaling.low_freq_factor).div(scaling.high_freq_factor - scaling.low_freq_factor).clamp(0, 1);
}

at::Tensor kept_by_yarn(const Rotary& rotary, const at::TensorOptions& options) {
  const RopeScaling& scaling = rotary.scaling;
  const auto width = static_cast<double>(rotary.width);
  const auto index_of = [&](double turns) {
    return width * std::log(scaling.original_positions / (turns * 2 * std::numbers::pi)) / (2 * std::log(rotary.theta));
  };
  double low = index_of(scaling.beta_fast), high = index_of(scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;  // as in `transformers`
  return at::arange(rotary.width / 2, options).sub(low).div(high - low).clamp(0, 1).neg().add(1);
}

}  // namespace

at::Tensor rotary_frequencies(const Rotary& rotary, at::Device device) {
  const at::TensorOptions fp32 = at::TensorOptions(at::kFloat).device(device);
  const at::Tensor exponents = at::arange(0, rotary.width, 2, fp32).div(static_cast<double>(rotary.width));
  const at::Tensor frequencies = at::pow(at::Scalar(rotary.theta), exponents).reciprocal();
  const RopeScaling& scaling = rotary.scaling;
  const auto keep = [&](const at::Tensor& share) {
    return frequencies.mul(share.mul(1 - 1 / scaling.factor).add(1 / scaling.factor));
  };
  switch (scaling.kind) {
    case RopeScaling::Kind::none:
      return frequencies;
    case RopeScaling::Kind::linear:
      return frequencies.div(scaling.factor);
    case RopeScaling::Kind::llama3:
      return keep(kept_by_llama3(frequencies, scaling));
    case RopeScaling::Kind::yarn:
      return keep(kept_by_yarn(rotary, fp32));
    case RopeScaling::Kind::longrope:
      return frequencies.div(at::tensor(scaling.divisors, at::kFloat).to(device));
  }
  RLHF_CHECK(false, "unknown scaling");
}

RotaryTable make_rotary_table(const at::Tensor& positions, const at::Tensor& frequencies, const Rotary& rotary) {
  const at::Tensor angles = at::outer(positions.to(at::kFloat), frequencies);
  RotaryTable table{at::cos(angles), at::sin(angles), rotary.interleaved};
  if (rotary.magnitude != 1) {
    table.cos = table.cos.mul(rotary.magnitude);
    table.sin = table.sin.mul(rotary.magnitude);
  }
  return table;
}

at::Tensor rotate(const at::Tensor& x, const RotaryTable& table) {
  const at::Tensor cos = table.cos.unsqueeze(1), sin = table.sin.unsqueeze(1);
  const std::int64_t half = cos.size(-1), rest = x.size(-1) - 2 * half;
  const at::Tensor part = x.narrow(-1, 0, 2 * half);
  const at::Tensor a = table.interleaved ? part.slice(-1, 0, std::nullopt, 2) : part.narrow(-1, 0, half);
  const at::Tensor b = table.interleaved ? part.slice(-1, 1, std::nullopt, 2) : part.narrow(-1, half, half);
  std::vector<at::Tensor> columns{a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))};
  if (table.interleaved) columns = {at::stack(columns, -1).flatten(-2)};
  if (rest > 0) columns.push_back(x.narrow(-1, 2 * half, rest).to(columns[0].scalar_type()));
  return at::cat(columns, -1).to(x.scalar_type());
}

at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table) {
  const bool whole_heads = 2 * table.cos.size(1) == heads.width && !table.interleaved;
  if (whole_heads && has_fused(Fused::rotary, qkv))
    return RotateInPlace::apply(qkv, heads.queries + heads.keys, table.cos, table.sin);
  const SplitHeads split = split_heads(qkv, heads);
  return at::cat({rotate(split.q, table), rotate(split.k, table), split.v}, 1).flatten(1);
}

}  // namespace rlhf
