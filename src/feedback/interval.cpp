// Quantiles of the normal distribution and the interval for a probability.
#include "rlhf/feedback/interval.h"

#include <cmath>
#include <numbers>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

/// The quantile of p <= ½ with an absolute error below 4.5e-4: Abramowitz and Stegun, formula 26.2.23.
double rough_lower_quantile(double p) {
  const double t = std::sqrt(-2 * std::log(p));
  return (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
}

double lower_quantile(double p) {
  double x = rough_lower_quantile(p);
  for (int step = 0; step < 3; ++step) {  // Halley's method; the error is cubed in each step
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    const double newton = (std::erfc(-x / std::numbers::sqrt2) / 2 - p) / density;
    x -= newton / (1 + x * newton / 2);
  }
  return x;
}

}  // namespace

double normal_quantile(double p) {
  check_argument(p > 0 && p < 1, "p", "above 0 and below 1", p);
  return p <= 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}

Interval wilson_interval(double successes, double trials, double level) {
  check_argument(trials > 0 && std::isfinite(trials), "trials", "above 0", trials);
  check_argument(successes >= 0 && successes <= trials, "successes", "0 to trials", successes);
  check_argument(level > 0 && level < 1, "level", "above 0 and below 1", level);
  const double z = normal_quantile((1 + level) / 2), p = successes / trials, share = z * z / trials;
  const double middle = p + share / 2, half = z * std::sqrt(p * (1 - p) / trials + share / (4 * trials));
  return {std::max(0.0, (middle - half) / (1 + share)), std::min(1.0, (middle + half) / (1 + share))};
}

}  // namespace rlhf
