// What a reward model picks among several answers.
#include "rlhf/feedback/best_of_n.h"

#include <algorithm>
#include <numeric>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"

namespace rlhf {
namespace {

double hit(double right, double wrong) { return right == wrong ? 0.5 : right > wrong; }

/// The probability of each place, from the highest score to the lowest, to be the best of n drawn ones of N:
/// C(N − 1 − k, n − 1) / C(N, n) for k = 0 to N − n.
std::vector<double> place_probabilities(std::size_t total, std::size_t n) {
  std::vector<double> probabilities(total, 0);
  double p = static_cast<double>(n) / static_cast<double>(total);
  for (std::size_t k = 0; k + n <= total; ++k) {
    probabilities[k] = p;
    const std::size_t below = total - 1 - k;  // responses with a lower score
    if (below > 0) p *= static_cast<double>(below + 1 - n) / static_cast<double>(below);
  }
  return probabilities;
}

}  // namespace

double best_of_n(const std::vector<double>& scores, const std::vector<double>& values, std::size_t n) {
  check_argument(values.size() == scores.size(), "values", "as many as scores", values.size());
  check_argument(n >= 1 && n <= scores.size(), "n", "1 to the number of scores", n);
  check_finite(scores, "scores");
  check_finite(values, "values");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const std::vector<double> probabilities = place_probabilities(scores.size(), n);
  double expected = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double value = 0, probability = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      value += values[order[end]];
      probability += probabilities[end];
    }
    expected += probability * value / static_cast<double>(end - begin);
  }
  return expected;
}

StyleMatrix style_matrix(const std::vector<StyledScores>& questions) {
  check_argument(!questions.empty(), "questions", "at least one", "none");
  StyleMatrix found;
  for (const StyledScores& question : questions) {
    check_finite(question.right, "right");
    check_finite(question.wrong, "wrong");
    for (std::size_t right = 0; right < 3; ++right)
      for (std::size_t wrong = 0; wrong < 3; ++wrong) {
        const double share = hit(question.right[right], question.wrong[wrong]) / static_cast<double>(questions.size());
        found.accuracy[right][wrong] += share;
        (right < wrong ? found.hard : right == wrong ? found.normal : found.easy) += share / 3;
      }
  }
  return found;
}

}  // namespace rlhf
