// Mean, variance and whitening.
#include "rlhf/algo/whiten.h"

#include <cmath>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

constexpr double kEpsilon = 1e-8;  // added to the variance

}  // namespace

at::Tensor Moments::count() const { return sums[0]; }
at::Tensor Moments::mean() const { return sums[1].div(count().clamp_min(1)); }
at::Tensor Moments::variance() const { return sums[2].div(count().clamp_min(1)).sub(mean().square()).clamp_min(0); }

Moments compute_moments(const at::Tensor& values) {
  check_floating(values, "values");
  // float64: the variance is a difference of large numbers, which float32 would lose.
  const at::Tensor wide = values.detach().to(at::kDouble);
  const at::Tensor count = at::full({}, static_cast<double>(wide.numel()), wide.options());
  const Moments moments{at::stack({count, wide.sum(), wide.square().sum()})};
  if (values.is_cpu() && !std::isfinite(moments.sums[2].item<double>())) check_finite(values, "values");
  return moments;
}

Moments operator+(const Moments& a, const Moments& b) { return {a.sums.add(b.sums)}; }

at::Tensor whiten(const at::Tensor& values, const Moments& moments, bool shift_mean) {
  check_floating(values, "values");
  check_shape(moments.sums, "moments", {3});
  check_device(moments.sums, "moments", values.device());
  const at::Tensor mean = moments.mean().to(values.scalar_type());
  const at::Tensor scale = moments.variance().add(kEpsilon).rsqrt().to(values.scalar_type());
  const at::Tensor white = values.sub(mean).mul(scale);
  return at::where(moments.count().lt(2), values, shift_mean ? white : white.add(mean));
}

}  // namespace rlhf
