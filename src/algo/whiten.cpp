// Mean, variance and whitening.
#include "rlhf/algo/whiten.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/Tensor.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

constexpr double kEpsilon = 1e-8;  // added to the variance

}  // namespace

double Moments::mean() const { return count > 0 ? sum / count : 0.0; }

double Moments::variance() const {
  if (count <= 0) return 0.0;
  return std::max(0.0, sum_of_squares / count - mean() * mean());
}

Moments compute_moments(const at::Tensor& values) {
  check_floating(values, "values");
  // float64: the variance is a difference of large numbers, which float32 would lose.
  const at::Tensor wide = values.detach().to(at::kDouble);
  const Moments moments{
      .count = static_cast<double>(wide.numel()),
      .sum = wide.sum().item<double>(),
      .sum_of_squares = wide.square().sum().item<double>(),
  };
  if (!std::isfinite(moments.sum_of_squares)) check_finite(values, "values");
  return moments;
}

Moments operator+(const Moments& a, const Moments& b) {
  return {a.count + b.count, a.sum + b.sum, a.sum_of_squares + b.sum_of_squares};
}

at::Tensor whiten(const at::Tensor& values, const Moments& moments, bool shift_mean) {
  check_floating(values, "values");
  check_argument(std::isfinite(moments.sum) && std::isfinite(moments.sum_of_squares), "moments", "finite numbers",
                 moments.sum);
  if (moments.count < 2) return values;
  const double scale = 1.0 / std::sqrt(moments.variance() + kEpsilon);
  return values.sub(moments.mean()).mul(scale).add(shift_mean ? 0.0 : moments.mean());
}

}  // namespace rlhf
