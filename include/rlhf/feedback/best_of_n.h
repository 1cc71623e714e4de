#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace rlhf {

/// The expected value of the response that a reward model picks among n, drawn without replacement from N scored ones:
///   Σ_{i=n..N} C(i−1, n−1) / C(N, n)·v_(i),  v_(i) the value of the response with the i-th lowest score
/// which is unbiased for best-of-n from a policy if the N are independent samples of it. Responses with equal scores
/// share their places. Nakano et al., "WebGPT" (2021), appendix. Errors: ArgumentError unless 1 <= n <= N, sizes fit
/// and numbers are finite.
double best_of_n(const std::vector<double>& scores, const std::vector<double>& values, std::size_t n);

/// The scores of three right and three wrong answers to one question, each concise, detailed, and detailed with
/// markdown.
struct StyledScores {
  std::array<double, 3> right{};
  std::array<double, 3> wrong{};
};
/// How often the right answer in one style scores above the wrong one in another; equal scores count half. Liu et al.,
/// "RM-Bench" (ICLR 2025).
struct StyleMatrix {
  std::array<std::array<double, 3>, 3> accuracy{};  ///< [style of the right answer][style of the wrong one]
  double hard = 0;    ///< mean above the diagonal: the right answer is plainer than the wrong one
  double normal = 0;  ///< mean of the diagonal: both have the same style
  double easy = 0;    ///< mean below the diagonal: the right answer is fancier
};
/// Errors: ArgumentError for no question and scores that are not finite.
StyleMatrix style_matrix(const std::vector<StyledScores>& questions);

}  // namespace rlhf
