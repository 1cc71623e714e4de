#include "report/scale.h"

#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

using Labels = std::vector<std::string>;

TEST(RoundStep, IsTheNearestRoundNumberByRatio) {
  EXPECT_DOUBLE_EQ(round_step(5, 5), 1);
  EXPECT_DOUBLE_EQ(round_step(160, 5), 50);     // 32: 50 is nearer than 20 by ratio (1.56 against 1.6)
  EXPECT_DOUBLE_EQ(round_step(0.94, 5), 0.2);   // 0.188
  EXPECT_DOUBLE_EQ(round_step(3e-6, 4), 1e-6);  // 0.75e-6
  EXPECT_DOUBLE_EQ(round_step(700, 5), 100);    // 140
  EXPECT_DOUBLE_EQ(round_step(360, 5), 100);    // 72 is above 70.7
}

TEST(AxisOver, KeepsTheRangeOfTheData) {
  const Axis axis = axis_over(0, 160, 5);
  EXPECT_EQ(axis.low, 0);
  EXPECT_EQ(axis.high, 160);
  EXPECT_EQ(axis.ticks(), (std::vector<double>{0, 50, 100, 150}));
}

TEST(AxisToTicks, MovesBothEndsToATick) {
  const Axis axis = axis_to_ticks(0.03, 0.97, 5);
  EXPECT_DOUBLE_EQ(axis.low, 0);
  EXPECT_DOUBLE_EQ(axis.high, 1);
  EXPECT_EQ(tick_labels(axis), (Labels{"0", "0.2", "0.4", "0.6", "0.8", "1"}));
  EXPECT_EQ(tick_labels(axis_to_ticks(-3, 5, 4)), (Labels{"-4", "-2", "0", "2", "4", "6"}));
}

TEST(AxisOver, OneValueIsInTheMiddle) {
  const Axis five = axis_over(5, 5, 4), zero = axis_over(0, 0, 4);
  EXPECT_EQ(five.low, 2.5);
  EXPECT_EQ(five.high, 7.5);
  EXPECT_EQ(zero.low, -1);
  EXPECT_EQ(zero.high, 1);
}

TEST(Axis, MapsLinearly) {
  const Axis axis{.low = 10, .high = 20, .step = 2, .from = 100, .to = 50};
  EXPECT_EQ(axis.at(10), 100);
  EXPECT_EQ(axis.at(15), 75);
  EXPECT_EQ(axis.at(20), 50);
  EXPECT_EQ(axis.at(1e9), 50);
}

TEST(TickLabels, LargeOnesShareASuffixAndSmallOnesAnExponent) {
  EXPECT_EQ(tick_labels(axis_over(0, 100000, 5)), (Labels{"0", "20k", "40k", "60k", "80k", "100k"}));
  EXPECT_EQ(tick_labels(axis_over(0, 3e6, 3)), (Labels{"0", "1M", "2M", "3M"}));
  EXPECT_EQ(tick_labels(axis_over(0, 2e-6, 4)), (Labels{"0", "5e-7", "1e-6", "1.5e-6", "2e-6"}));
  EXPECT_EQ(tick_labels(axis_over(0, 2e-4, 4)), (Labels{"0", "5e-5", "1e-4", "1.5e-4", "2e-4"}));
  EXPECT_EQ(tick_labels(axis_over(0, 0.002, 2)), (Labels{"0", "0.001", "0.002"}));
  EXPECT_EQ(tick_labels(axis_over(0, 8000, 4)), (Labels{"0", "2000", "4000", "6000", "8000"}));
}

TEST(TickLabels, NeighboursDifferWhereTheRangeIsSmallBesideTheValues) {
  const Labels labels = tick_labels(axis_over(100.001, 100.005, 4));
  EXPECT_EQ(std::set<std::string>(labels.begin(), labels.end()).size(), labels.size());
  EXPECT_EQ(labels.front(), "100.001");
}

TEST(Axis, ExtremeRangesHaveFewTicksAndFinitePlaces) {
  const double huge = std::numeric_limits<double>::max();
  for (const auto& [low, high] : {std::pair{-huge, huge}, std::pair{huge, huge}, std::pair{5e-324, 5e-324},
                                  std::pair{1e9, 1e9 + 1e-6}, std::pair{-1e300, 1e300}}) {
    const Axis axis = axis_to_ticks(low, high, 4);
    EXPECT_LE(axis.ticks().size(), 20u);
    EXPECT_TRUE(std::isfinite(axis.at(low))) << low << " " << high;
    EXPECT_TRUE(std::isfinite(axis.at(high))) << low << " " << high;
  }
}

TEST(ShowNumber, WholeNumbersInFullOthersWithFourDigits) {
  EXPECT_EQ(show_number(1234567), "1234567");
  EXPECT_EQ(show_number(0.123456), "0.1235");
  EXPECT_EQ(show_number(-2), "-2");
  EXPECT_EQ(show_number(1234.56), "1235");
  EXPECT_EQ(show_number(-64090.7), "-64091");
  EXPECT_EQ(show_number(1.5e-7), "1.5e-7");
  EXPECT_EQ(show_number(2.5e20), "2.5e20");
  EXPECT_EQ(show_number(-0.0), "0");
  EXPECT_EQ(show_number(NAN), "not finite");
}

}  // namespace
}  // namespace rlhf
