#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Sufficient statistics of a set of numbers. The moments of several sets (for example of several ranks) can be added.
struct Moments {
  double count = 0;
  double sum = 0;
  double sum_of_squares = 0;
  double mean() const;
  double variance() const;  ///< biased (divided by count), never negative
};
/// Errors: ShapeError, NumericsError.
Moments compute_moments(const at::Tensor& values);
Moments operator+(const Moments& a, const Moments& b);

/// (x − mean) / √(variance + 1e-8) with the biased variance. If `shift_mean` is false, adds the mean back afterwards
/// (used for rewards, so that their mean does not change). Returns `values` unchanged if `moments` has fewer than two
/// numbers. Errors: ShapeError, ArgumentError.
at::Tensor whiten(const at::Tensor& values, const Moments& moments, bool shift_mean);

}  // namespace rlhf
