#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rlhf::testing {

/// Pearson's Σ (observed − expected)² / expected; under the distribution it is about chi-square with size − 1 degrees.
inline double chi_square(std::span<const std::int64_t> counts, std::span<const double> probabilities) {
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * probabilities[i];
    const double difference = static_cast<double>(counts[i]) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

}  // namespace rlhf::testing
