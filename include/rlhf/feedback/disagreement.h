#pragma once

#include <cstdint>
#include <vector>

namespace rlhf {

/// How much two choices differ: δ(c,d) >= 0, symmetric, 0 on the diagonal.
struct Disagreement {
  std::int32_t choices = 0;
  std::vector<double> weights;  ///< [choices, choices], row-major
};

/// δ(c,d) = 1 if c and d differ. Errors: ArgumentError for fewer than two choices.
Disagreement nominal_disagreement(std::int32_t choices);
/// δ(c,d) = |v_c − v_d|, `values` [choices]. With 0, 1, 2, … the linear weights of Cohen's kappa.
/// Errors: ArgumentError for fewer than two choices or values that are not finite.
Disagreement linear_disagreement(const std::vector<double>& values);
/// δ(c,d) = (v_c − v_d)²: the interval metric of Krippendorff's alpha, the quadratic weights of Cohen's kappa. For
/// strengths of preference, values like −2, −1, 0, 1, 2. Errors: as linear_disagreement.
Disagreement interval_disagreement(const std::vector<double>& values);

}  // namespace rlhf
