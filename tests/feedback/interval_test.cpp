#include "rlhf/feedback/interval.h"

#include <cmath>

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

TEST(NormalQuantile, AgreesWithScipy) {
  for (const auto& pair : testing::golden_list("agreement", "normal_quantiles")) {
    const double expected = pair[1];
    EXPECT_NEAR(normal_quantile(pair[0]), expected, 1e-12 * std::max(1.0, std::abs(expected))) << pair;
  }
}

TEST(WilsonInterval, AgreesWithStatsmodels) {
  for (const auto& golden : testing::golden_list("agreement", "wilson")) {
    const Interval found = wilson_interval(golden["successes"], golden["trials"], golden["level"]);
    EXPECT_NEAR(found.low, golden["low"], 1e-12) << golden;
    EXPECT_NEAR(found.high, golden["high"], 1e-12) << golden;
  }
}

TEST(WilsonInterval, StaysBetweenZeroAndOne) {
  // No success in n trials: [0, z²/(n + z²)]; z = 1.959964, z² = 3.841459.
  const Interval none = wilson_interval(0, 4), all = wilson_interval(4, 4);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 3.841459 / 7.841459, 1e-6);
  EXPECT_EQ(all.high, 1);
  EXPECT_NEAR(all.low, 4 / 7.841459, 1e-6);
}

}  // namespace
}  // namespace rlhf
