#include "nn/rotary.h"

#include <algorithm>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// `direction` −1 turns the other way, which is the backward: a rotation's transpose is its inverse.
template <typename T>
void rotate_rows(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, float direction, at::Tensor& y) {
  using Wide = at::opmath_type<T>;
  const std::int64_t heads = x.size(1), width = x.size(2), half = width / 2;
  const T* const in = x.const_data_ptr<T>();
  const float* const cosines = cos.const_data_ptr<float>();
  const float* const sines = sin.const_data_ptr<float>();
  T* const out = y.mutable_data_ptr<T>();
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / (heads * width));
  at::parallel_for(0, x.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* const c = cosines + row * half;
      const float* const s = sines + row * half;
      for (std::int64_t head = row * heads; head < (row + 1) * heads; ++head) {
        const T* const xs = in + head * width;
        T* const ys = out + head * width;
        for (std::int64_t i = 0; i < half; ++i) {
          const Wide a = xs[i], b = xs[i + half], turn = direction * s[i];
          ys[i] = static_cast<T>(a * c[i] - b * turn);
          ys[i + half] = static_cast<T>(b * c[i] + a * turn);
        }
      }
    }
  });
}

at::Tensor rotate_on_cpu(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, float direction) {
  const at::Tensor dense = x.contiguous();
  at::Tensor y = at::empty(dense.sizes(), dense.options());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, x.scalar_type(), "rotate",
                                  [&] { rotate_rows<scalar_t>(dense, cos, sin, direction, y); });
  return y;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos,
                            const at::Tensor& sin) {
    context->save_for_backward({cos, sin});
    return rotate_on_cpu(x, cos, sin, 1.0F);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    return {rotate_on_cpu(gradients[0], saved[0], saved[1], -1.0F), at::Tensor(), at::Tensor()};
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
  if (x.is_cpu()) return Rotate::apply(x, table.cos, table.sin);
  const at::Tensor cos = table.cos.unsqueeze(1), sin = table.sin.unsqueeze(1);
  const std::vector<at::Tensor> halves = x.chunk(2, -1);
  return at::cat({halves[0].mul(cos).sub(halves[1].mul(sin)), halves[1].mul(cos).add(halves[0].mul(sin))}, -1)
      .to(x.scalar_type());
}

}  // namespace rlhf
