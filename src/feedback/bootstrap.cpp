// Percentile bootstrap.
#include <algorithm>
#include <cmath>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/random.h"
#include "rlhf/feedback/interval.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kBootstrap = 0x626f6f74;  // the purpose of these random numbers

std::vector<std::size_t> draw_with_replacement(std::size_t units, std::uint64_t seed, std::size_t resample) {
  const std::uint64_t stream = random_stream(kBootstrap, resample);
  std::vector<std::size_t> drawn(units);
  for (std::size_t i = 0; i < units; ++i) drawn[i] = random_below(seed, stream, i, units);
  return drawn;
}

/// Quantile q of sorted values, linear between the two nearest: position q·(n − 1).
double quantile_of_sorted(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

std::optional<Interval> bootstrap_interval(std::size_t units, const BootstrapOptions& options,
                                           const ResampledStatistic& statistic) {
  check_argument(units >= 1, "units", "at least 1", units);
  check_argument(options.resamples >= 2, "resamples", "at least 2", options.resamples);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
  check_given(statistic, "statistic", "a function");
  std::vector<std::optional<double>> results(options.resamples);
  for_each_index(options.resamples,
                 [&](std::size_t r) { results[r] = statistic(draw_with_replacement(units, options.seed, r)); });
  std::vector<double> values;
  for (const auto& result : results) {
    check_argument(std::isfinite(result.value_or(0)), "statistic", "a finite number or nullopt", result.value_or(0));
    if (result) values.push_back(*result);
  }
  if (values.size() * 2 < results.size()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Interval{quantile_of_sorted(values, (1 - options.level) / 2),
                  quantile_of_sorted(values, (1 + options.level) / 2)};
}

}  // namespace rlhf
