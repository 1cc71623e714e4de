#include "rlhf/feedback/grouped_mean.h"

#include <gtest/gtest.h>

#include "rlhf/core/random.h"

namespace rlhf {
namespace {

GroupedValues ones_of_100(int ones, int copies) {
  GroupedValues values;
  for (int copy = 0; copy < copies; ++copy)
    for (int i = 0; i < 100; ++i) values.add(i < ones, 7 * i);
  return values;
}

TEST(GroupedMean, HasTheQuantilesOfTheBinomialDistribution) {
  // As for bootstrap_interval: Binomial(100, 0.3) has its 2.5 % and 97.5 % quantiles at 21 and 39.
  const auto found = grouped_mean(ones_of_100(30, 1), {20000, 0.95, 1});
  EXPECT_DOUBLE_EQ(found->value, 0.3);
  EXPECT_DOUBLE_EQ(found->interval->low, 0.21);
  EXPECT_DOUBLE_EQ(found->interval->high, 0.39);
}

TEST(GroupedMean, CopiesWithinAGroupAddNoCertainty) {
  const auto one = grouped_mean(ones_of_100(30, 1), {500, 0.95, 1}),
             five = grouped_mean(ones_of_100(30, 5), {500, 0.95, 1});
  EXPECT_DOUBLE_EQ(one->interval->low, five->interval->low);
  EXPECT_DOUBLE_EQ(one->interval->high, five->interval->high);
}

TEST(GroupedMean, CountsValuesAndNotGroups) {
  GroupedValues values;
  values.add(1, 0);
  for (int i = 0; i < 3; ++i) values.add(0, 1);
  EXPECT_DOUBLE_EQ(grouped_mean(values, {})->value, 0.25);
}

TEST(GroupedMean, OfOneGroupHasNoInterval) {
  EXPECT_FALSE(grouped_mean({{1, 0, 1}, {4, 4, 4}}, {})->interval);
  EXPECT_FALSE(grouped_mean({}, {}));
}

TEST(GroupedDifference, OfPairedGroupsKnowsThatTheyArePaired) {
  // Both sides vary a lot between groups, but their difference is 1 in each.
  GroupedValues first, second;
  for (int group = 0; group < 50; ++group) {
    const double value = 100 * random_normal(1, 0, static_cast<std::uint64_t>(group));
    first.add(value + 1, group);
    second.add(value, group);
  }
  const auto found = grouped_difference(first, second, {});
  EXPECT_NEAR(found->value, 1, 1e-12);
  EXPECT_NEAR(found->interval->low, 1, 1e-10);
  EXPECT_NEAR(found->interval->high, 1, 1e-10);
}

TEST(GroupedDifference, CoversTheDifferenceOfItsWorld) {
  // Means 0.8 and 0.6, 60 groups of 4 on each side that share a common error.
  int covered = 0;
  for (std::uint64_t world = 0; world < 100; ++world) {
    GroupedValues first, second;
    for (std::int32_t group = 0; group < 60; ++group) {
      const double common = 0.3 * random_normal(world, 0, static_cast<std::uint64_t>(group));
      for (std::uint64_t i = 0; i < 4; ++i) {
        const auto index = static_cast<std::uint64_t>(group) * 4 + i;
        (group % 2 == 0 ? first : second)
            .add((group % 2 == 0 ? 0.8 : 0.6) + common + 0.1 * random_normal(world, 1, index), group);
      }
    }
    const auto interval = grouped_difference(first, second, {300, 0.9, world})->interval;
    covered += interval->low <= 0.2 && 0.2 <= interval->high;
  }
  // Binomial(100, 0.9) is outside 80 to 98 with probability 0.1 %; a bootstrap of 30 groups is a little too narrow.
  EXPECT_GE(covered, 76);
  EXPECT_LE(covered, 98);
}

TEST(GroupedDifference, NeedsBothSides) {
  EXPECT_FALSE(grouped_difference({{1}, {0}}, {}, {}));
  EXPECT_FALSE(grouped_difference({}, {{1}, {0}}, {}));
}

}  // namespace
}  // namespace rlhf
