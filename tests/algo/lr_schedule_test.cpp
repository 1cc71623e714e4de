#include "rlhf/algo/lr_schedule.h"

#include <cmath>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "support/golden.h"

namespace rlhf {
namespace {

TEST(LrFactor, AgreesWithAHandCalculation) {
  using enum LrScheduleKind;
  EXPECT_DOUBLE_EQ(lr_factor(constant, 0, 10, 4, 0.0), 0.25);  // warm-up: (0 + 1) / 4
  EXPECT_DOUBLE_EQ(lr_factor(constant, 3, 10, 4, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(lr_factor(constant, 9, 10, 4, 0.1), 1.0);
  EXPECT_DOUBLE_EQ(lr_factor(linear, 6, 10, 2, 0.0), 0.5);  // 4 of 8 steps of decay done
  EXPECT_DOUBLE_EQ(lr_factor(linear, 6, 10, 2, 0.2), 0.6);
  EXPECT_DOUBLE_EQ(lr_factor(cosine, 6, 10, 2, 0.2), 0.6);                        // cos(π/2) = 0
  EXPECT_DOUBLE_EQ(lr_factor(cosine, 2, 8, 0, 0.0), 0.5 + 0.5 * std::sqrt(0.5));  // cos(π/4)
}

TEST(LrFactor, AgreesWithTransformersAtEveryStep) {
  const std::map<std::string, LrScheduleKind> kinds{
      {"constant", LrScheduleKind::constant}, {"linear", LrScheduleKind::linear}, {"cosine", LrScheduleKind::cosine}};
  for (const auto& item : testing::read_golden("lr_schedule/lr_schedule.json")) {
    const std::int64_t total = item["total"], warmup = item["warmup"];
    for (std::int64_t step = 0; step < total; ++step) {
      const double expected = item["factors"][step < warmup ? step + 1 : step];
      EXPECT_NEAR(lr_factor(kinds.at(item["kind"]), step, total, warmup, item["min_share"]), expected, 1e-12)
          << item["kind"] << " " << total << " " << warmup << " " << item["min_share"] << ", step " << step;
    }
  }
}

TEST(LrFactor, StaysAtItsLowestAfterTheEnd) {
  EXPECT_DOUBLE_EQ(lr_factor(LrScheduleKind::cosine, 50, 10, 2, 0.1), 0.1);
  EXPECT_DOUBLE_EQ(lr_factor(LrScheduleKind::linear, 50, 10, 10, 0.0), 0.0);
}

}  // namespace
}  // namespace rlhf
