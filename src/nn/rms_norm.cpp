#include "nn/rms_norm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows that are worth a thread of their own.
std::int64_t rows_per_task(std::int64_t width) { return std::max<std::int64_t>(1, 16384 / width); }

/// Σ term(i) in independent lanes, which the compiler may keep in vector registers: it may not reorder a single
/// sum of floats on its own.
template <typename Sum, typename Term>
Sum sum_over(std::int64_t count, const Term& term) {
  constexpr std::int64_t kLanes = 16;
  std::array<Sum, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (std::int64_t lane = 0; i < count; ++i, ++lane) lanes[lane] += term(i);
  Sum total = 0;
  for (const Sum lane : lanes) total += lane;
  return total;
}

template <typename T, typename Wide>
void forward_rows(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor& y, at::Tensor& rstd) {
  const std::int64_t width = x.size(1);
  const T* const w = weight.const_data_ptr<T>();
  const T* const in = x.const_data_ptr<T>();
  T* const out = y.mutable_data_ptr<T>();
  Wide* const scales = rstd.mutable_data_ptr<Wide>();
  at::parallel_for(0, x.size(0), rows_per_task(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const xs = in + row * width;
      T* const ys = out + row * width;
      const Wide squares = sum_over<Wide>(width, [&](std::int64_t i) {
        const Wide value = xs[i];
        return value * value;
      });
      const Wide scale = 1 / std::sqrt(squares / static_cast<Wide>(width) + static_cast<Wide>(eps));
      for (std::int64_t i = 0; i < width; ++i) ys[i] = static_cast<T>(static_cast<Wide>(xs[i]) * scale) * w[i];
      scales[row] = scale;
    }
  });
}

/// dx = rstd · (g·w − x̂ · mean(g·w·x̂)),  dw = Σ_rows g·x̂,  x̂ = x · rstd. Each thread adds up its own dw; the threads'
/// shares are added in their order, so the bits depend on the number of threads alone.
template <typename T, typename Wide>
void backward_rows(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd,
                   at::Tensor& grad_x, at::Tensor& grad_weights) {
  const std::int64_t width = x.size(1);
  const T* const w = weight.const_data_ptr<T>();
  const T* const in = x.const_data_ptr<T>();
  const T* const above = grad.const_data_ptr<T>();
  const Wide* const scales = rstd.const_data_ptr<Wide>();
  T* const out = grad_x.mutable_data_ptr<T>();
  Wide* const shares = grad_weights.mutable_data_ptr<Wide>();
  at::parallel_for(0, x.size(0), rows_per_task(width), [&](std::int64_t begin, std::int64_t end) {
    Wide* const dw = shares + at::get_thread_num() * width;
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const xs = in + row * width;
      const T* const gs = above + row * width;
      T* const dx = out + row * width;
      const Wide scale = scales[row];
      const Wide mean =
          sum_over<Wide>(width,
                         [&](std::int64_t i) {
                           return static_cast<Wide>(gs[i]) * static_cast<Wide>(w[i]) * static_cast<Wide>(xs[i]);
                         }) *
          scale / static_cast<Wide>(width);
      for (std::int64_t i = 0; i < width; ++i) {
        const Wide normed = static_cast<Wide>(xs[i]) * scale;
        const Wide g = gs[i];
        dx[i] = static_cast<T>(scale * (g * static_cast<Wide>(w[i]) - normed * mean));
        dw[i] += g * normed;
      }
    }
  });
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double eps) {
    at::Tensor y = at::empty_like(x);
    at::Tensor rstd = at::empty({x.size(0)}, x.options().dtype(at::toOpMathType(x.scalar_type())));
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, x.scalar_type(), "rms_norm", [&] {
      forward_rows<scalar_t, at::opmath_type<scalar_t>>(x, weight, eps, y, rstd);
    });
    context->save_for_backward({x, weight, rstd});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &rstd = saved[2];
    const at::Tensor grad = gradients[0].contiguous();
    at::Tensor grad_x = at::empty_like(x);
    at::Tensor grad_weights = at::zeros({at::get_num_threads(), x.size(1)}, rstd.options());
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, x.scalar_type(), "rms_norm_backward", [&] {
      backward_rows<scalar_t, at::opmath_type<scalar_t>>(grad, x, weight, rstd, grad_x, grad_weights);
    });
    return {grad_x, grad_weights.sum(0).to(weight.scalar_type()), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (x.is_cpu()) return RmsNorm::apply(x.contiguous(), weight, eps);
  return at::rms_norm(x, weight.sizes(), weight, eps);
}

}  // namespace rlhf
