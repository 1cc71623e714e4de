#pragma once

#include <cmath>

namespace rlhf {

/// ψ(x), the derivative of ln Γ(x), x > 0: ψ(x) = ψ(x + 1) − 1/x up to x >= 10, there the asymptotic series
/// (Abramowitz and Stegun, formula 6.3.18). Absolute error below 1e-13 for x >= 0.1.
inline double digamma(double x) {
  double sum = 0;
  for (; x < 10; ++x) sum -= 1 / x;
  const double y = 1 / (x * x);
  const double series = y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))));
  return sum + std::log(x) - 0.5 / x - series;
}

}  // namespace rlhf
