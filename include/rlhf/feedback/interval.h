#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace rlhf {

struct Interval {
  double low = 0;
  double high = 0;
};

/// x with Φ(x) = p, Φ the distribution function of the standard normal. Relative error below 1e-12.
/// Errors: ArgumentError unless 0 < p < 1.
double normal_quantile(double p);

/// Interval for a probability p after `successes` of `trials`, z = normal_quantile((1 + level) / 2):
///   (p̂ + z²/2n ± z·√(p̂·(1 − p̂)/n + z²/4n²)) / (1 + z²/n)
/// Wilson, "Probable inference, the law of succession, and statistical inference" (1927). Checked against statsmodels.
/// Errors: ArgumentError unless trials > 0, 0 <= successes <= trials, 0 < level < 1.
Interval wilson_interval(double successes, double trials, double level = 0.95);

struct BootstrapOptions {
  std::size_t resamples = 1000;
  double level = 0.95;
  std::uint64_t seed = 0;
};

/// A statistic of a resample, given as the indices of the units in it; nullopt where it is undefined.
using ResampledStatistic = std::function<std::optional<double>(const std::vector<std::size_t>&)>;

/// Percentile interval of a statistic over `units` independent units (items, or prompts if several items belong to
/// one): the quantiles (1 ± level) / 2 of the statistic of resamples with replacement, interpolated linearly. Resamples
/// whose statistic is undefined are left out; nullopt if these are more than half. The draws depend only on (seed,
/// resample, position). `statistic` is called from several threads.
/// Efron and Tibshirani, "An introduction to the bootstrap" (1993), ch. 13. Errors: ArgumentError.
std::optional<Interval> bootstrap_interval(std::size_t units, const BootstrapOptions& options,
                                           const ResampledStatistic& statistic);

}  // namespace rlhf
