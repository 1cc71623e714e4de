#pragma once

#include <ATen/core/Tensor.h>

namespace rlhf {

/// Sufficient statistics of a set of numbers; several sets (ranks) add up before they are applied.
struct Moments {
  double count = 0;
  double sum = 0;
  double sum_of_squares = 0;
  double mean() const;
  double variance() const;  ///< biased: divided by count, never negative
};
Moments compute_moments(const at::Tensor& values);
Moments operator+(const Moments& a, const Moments& b);

/// (x − mean) / √(variance + 1e-8), the biased variance; with shift_mean false the mean is added back, so that the sign
/// of a value survives (used for rewards). Fewer than two numbers: returned unchanged.
at::Tensor whiten(const at::Tensor& values, const Moments& moments, bool shift_mean);

}  // namespace rlhf
