#include "feedback/hierarchical_logit.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Yes, no, and ranges between two cuts.
const GroupAnswers kAnswers{{1, 0.5, -2, -1, 0, 1, 0.3, 2, -0.7, 1, 1, 1},
                            {{0, kInfinity}, {-kInfinity, 0}, {-0.8, 0.8}, {0.8, 2}}};
const IndependentNormal kPrior{{1, 2, 0}, {0.5, 1, 9}};

ConcavePoint at(std::vector<double> theta, std::size_t coordinate, double step) {
  theta[coordinate] += step;
  return log_posterior(kAnswers, theta, kPrior);
}

TEST(LogPosterior, GradientAndInformationAreCentralDifferences) {
  constexpr double kStep = 1e-5;
  const std::vector<double> theta{0.4, -0.3, 0.8};
  const ConcavePoint here = log_posterior(kAnswers, theta, kPrior);
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const ConcavePoint above = at(theta, i, kStep), below = at(theta, i, -kStep);
    EXPECT_NEAR(here.gradient[i], (above.value - below.value) / (2 * kStep), 1e-8);
    for (std::size_t j = 0; j < theta.size(); ++j)
      EXPECT_NEAR(here.information.at(i, j), -(above.gradient[j] - below.gradient[j]) / (2 * kStep), 1e-8);
  }
}

TEST(LogPosterior, OfRangesByHand) {
  // s = 0: ranges (−∞, −ln 3], [−ln 3, ln 3], [ln 3, ∞) have probability 1/4, 1/2, 1/4.
  const double cut = std::log(3);
  EXPECT_NEAR(log_probability({-kInfinity, -cut}, 0), std::log(0.25), 1e-12);
  EXPECT_NEAR(log_probability({-cut, cut}, 0), std::log(0.5), 1e-12);
  EXPECT_NEAR(log_probability({cut, kInfinity}, 0), std::log(0.25), 1e-12);
  // Far from the range, σ(700) − σ(699) ≈ e^−699 − e^−700, which is 0 as a difference of floating-point numbers.
  EXPECT_NEAR(log_probability({0, 1}, 700), -700 + std::log(std::exp(1) - 1), 1e-9);
}

TEST(MaximumOf, ClimbsFromFarAway) {
  // The gradient vanishes at the mode, from a start where the logistic function is flat.
  const auto posterior = [](const std::vector<double>& theta) { return log_posterior(kAnswers, theta, kPrior); };
  const std::vector<double> mode = maximum_of(posterior, {200, -300, 400});
  for (const double slope : posterior(mode).gradient) EXPECT_NEAR(slope, 0, 1e-7);
}

TEST(SymmetricMatrix, SolvesAndInvertsByHand) {
  SymmetricMatrix matrix(2);  // 4 2; 2 3, of determinant 8
  matrix.values = {4, 2, 2, 3};
  const SymmetricMatrix found = inverse(matrix);
  const std::vector<double> expected{3. / 8, -2. / 8, -2. / 8, 4. / 8};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found.values[i], expected[i], 1e-15);
  const std::vector<double> x = solve(cholesky(matrix), {8, 8});  // (3·8 − 2·8, −2·8 + 4·8) / 8
  EXPECT_NEAR(x[0], 1, 1e-14);
  EXPECT_NEAR(x[1], 2, 1e-14);
  matrix.values = {1, 2, 2, 1};
  EXPECT_THROW(cholesky(matrix), std::logic_error);
}

}  // namespace
}  // namespace rlhf
