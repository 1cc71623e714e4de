// How a held-out reward rises and falls with the KL.
#include "rlhf/feedback/over_optimisation.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

// R(d) = 2 + d·(1.2 − 0.5·ln d): its derivative 1.2 − 0.5·(ln d + 1) is 0 at d = e^1.4.
TEST(OverOptimisation, FindsTheCurveAndItsPeak) {
  std::vector<RewardAtKl> points = {{0.009, 2}, {-0.1, 7}};  // these say nothing
  for (const double d : {0.5, 1.0, 2.0, 4.0, 6.0}) points.push_back({d * d, 2 + d * (1.2 - 0.5 * std::log(d))});
  const auto fit = fit_over_optimisation(points, 2);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->alpha, 1.2, 1e-12);
  EXPECT_NEAR(fit->beta, 0.5, 1e-12);
  EXPECT_NEAR(*fit->peak_kl(), std::exp(2.8), 1e-9);
}

// With x = (1, 2, 3) for α and z = −x·ln x for β, solved by hand as two normal equations for the rewards 1, 1, 2.
TEST(OverOptimisation, IsTheLeastSquares) {
  const auto fit = fit_over_optimisation({{1, 1}, {4, 1}, {9, 2}}, 0);
  const double z2 = -2 * std::log(2), z3 = -3 * std::log(3);
  const double xz = 2 * z2 + 3 * z3, zz = z2 * z2 + z3 * z3, xy = 9, zy = z2 + 2 * z3;
  ASSERT_TRUE(fit);
  EXPECT_NEAR(14 * fit->alpha + xz * fit->beta, xy, 1e-9);
  EXPECT_NEAR(xz * fit->alpha + zz * fit->beta, zy, 1e-9);
}

TEST(OverOptimisation, HasNoPeakWhileTheRewardRises) {
  const auto fit = fit_over_optimisation({{1, 1}, {4, 2}, {9, 3.5}}, 0);
  ASSERT_TRUE(fit);
  EXPECT_LT(fit->beta, 0);
  EXPECT_EQ(fit->peak_kl(), std::nullopt);
}

TEST(OverOptimisation, NeedsThreePointsAndTwoKls) {
  EXPECT_FALSE(fit_over_optimisation({{1, 1}, {4, 2}, {0, 0}}, 0));
  EXPECT_FALSE(fit_over_optimisation({{4, 1}, {4, 2}, {4, 3}}, 0));
  testing::expect_misuse<ArgumentError>("kl", [] {
    fit_over_optimisation({{std::numeric_limits<double>::infinity(), 1}}, 0);
  });
}

}  // namespace
}  // namespace rlhf
