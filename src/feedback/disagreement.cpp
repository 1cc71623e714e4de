// Matrices of how much two choices differ.
#include "rlhf/feedback/disagreement.h"

#include <cmath>
#include <cstddef>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"

namespace rlhf {
namespace {

template <typename Difference>
Disagreement matrix_of(std::int32_t choices, const Difference& difference) {
  check_argument(choices >= 2, "choices", "at least 2", choices);
  Disagreement found{choices, {}};
  for (std::int32_t c = 0; c < choices; ++c)
    for (std::int32_t d = 0; d < choices; ++d) found.weights.push_back(difference(c, d));
  return found;
}

}  // namespace

Disagreement nominal_disagreement(std::int32_t choices) {
  return matrix_of(choices, [](std::int32_t c, std::int32_t d) { return c == d ? 0.0 : 1.0; });
}

Disagreement linear_disagreement(const std::vector<double>& values) {
  check_finite(values, "values");
  return matrix_of(static_cast<std::int32_t>(values.size()),
                   [&](std::int32_t c, std::int32_t d) { return std::abs(values[c] - values[d]); });
}

Disagreement interval_disagreement(const std::vector<double>& values) {
  Disagreement found = linear_disagreement(values);
  for (double& weight : found.weights) weight *= weight;
  return found;
}

}  // namespace rlhf
