// What a model gets from pairs, and the temperature of its scores.
#include "rlhf/feedback/scored_pairs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

void check_pairs(const ScoredPairs& pairs) {
  check_argument(pairs.truths.size() == pairs.margins.size(), "pairs.truths", "as many as margins",
                 pairs.truths.size());
  check_finite(pairs.margins, "pairs.margins");
  for (const double truth : pairs.truths)
    check_argument(truth >= 0 && truth <= 1, "pairs.truths", "numbers from 0 to 1", truth);
}

template <typename Value>
std::vector<double> of_each(const ScoredPairs& pairs, const Value& value) {
  check_pairs(pairs);
  std::vector<double> found(pairs.margins.size());
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = value(pairs.margins[i], pairs.truths[i]);
  return found;
}

/// The derivative of the summed losses at b = 1/T, and the derivative of that, which is never negative.
struct Slope {
  double value = 0, change = 0;
};
Slope slope_at(const ScoredPairs& pairs, double b) {
  Slope slope;
  for (std::size_t i = 0; i < pairs.margins.size(); ++i) {
    const double margin = pairs.margins[i], p = sigmoid(b * margin);
    slope.value += (p - pairs.truths[i]) * margin;
    slope.change += p * (1 - p) * margin * margin;
  }
  return slope;
}

/// The slope for b to infinity: what the pairs that are ordered against the votes cost. 0 if there are none.
double final_slope(const ScoredPairs& pairs) {
  double sum = 0;
  for (std::size_t i = 0; i < pairs.margins.size(); ++i)
    sum += std::abs(pairs.margins[i]) * (pairs.margins[i] > 0 ? 1 - pairs.truths[i] : pairs.truths[i]);
  return sum;
}

int sign(double x) { return (x > 0) - (x < 0); }

}  // namespace

std::vector<double> pair_hits(const ScoredPairs& pairs) {
  return of_each(pairs, [](double margin, double truth) { return 0.5 + sign(margin) * (truth - 0.5); });
}

std::vector<double> pair_losses(const ScoredPairs& pairs) {
  return of_each(pairs, [](double margin, double truth) {
    // Not truth · ln σ(Δ) where truth is 0: the logarithm is finite, as Δ is.
    return -truth * log_sigmoid(margin) - (1 - truth) * log_sigmoid(-margin);
  });
}

std::vector<double> squared_errors(const ScoredPairs& pairs) {
  return of_each(pairs, [](double margin, double truth) { return std::pow(sigmoid(margin) - truth, 2); });
}

std::optional<double> fit_temperature(const ScoredPairs& pairs) {
  check_pairs(pairs);
  if (slope_at(pairs, 0).value >= 0 || final_slope(pairs) <= 0) return std::nullopt;
  double low = 0, high = 1;
  while (slope_at(pairs, high).value < 0) {
    low = high;
    high *= 2;
    if (!std::isfinite(high)) return std::nullopt;
  }
  double b = high;
  for (int step = 0; step < 200; ++step) {
    const Slope slope = slope_at(pairs, b);
    (slope.value < 0 ? low : high) = b;
    const double newton = b - slope.value / slope.change;
    const double next = newton > low && newton < high ? newton : low + (high - low) / 2;
    if (std::abs(next - b) <= 1e-15 * b) break;
    b = next;
  }
  return 1 / b;
}

SwapAsymmetry swap_asymmetry(const std::vector<double>& margins, const std::vector<double>& swapped) {
  check_argument(!margins.empty(), "margins", "at least one", "none");
  check_argument(swapped.size() == margins.size(), "swapped", "as many as margins", swapped.size());
  check_finite(margins, "margins");
  check_finite(swapped, "swapped");
  SwapAsymmetry found;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    found.changed += sign(margins[i]) != -sign(swapped[i]);
    found.largest = std::max(found.largest, std::abs(margins[i] + swapped[i]));
  }
  found.changed /= static_cast<double>(margins.size());
  return found;
}

}  // namespace rlhf
