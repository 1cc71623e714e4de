#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Sufficient statistics of a set of numbers, on their device. The moments of several sets (for example of several
/// ranks) can be added.
struct Moments {
  at::Tensor sums;  ///< [3] float64: count, sum, sum of squares
  at::Tensor count() const;
  at::Tensor mean() const;      ///< 0 without numbers
  at::Tensor variance() const;  ///< biased (divided by count), never negative; 0 without numbers
};
/// Errors: ShapeError; on a CPU also NumericsError for a number that is not finite.
Moments compute_moments(const at::Tensor& values);
Moments operator+(const Moments& a, const Moments& b);

/// (x − mean) / √(variance + 1e-8) with the biased variance. If `shift_mean` is false, adds the mean back afterwards
/// (used for rewards, so that their mean does not change). Returns `values` unchanged if `moments` has fewer than two
/// numbers. Errors: ShapeError.
at::Tensor whiten(const at::Tensor& values, const Moments& moments, bool shift_mean);

}  // namespace rlhf
