#include "rlhf/data/batch_order.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

std::vector<std::size_t> epoch_of(const BatchOrder& order, std::int64_t epoch) {
  std::vector<std::size_t> samples;
  for (std::int64_t step = 0; step < order.steps_per_epoch(); ++step) {
    const auto batch = order.batch(epoch * order.steps_per_epoch() + step);
    samples.insert(samples.end(), batch.begin(), batch.end());
  }
  return samples;
}

TEST(BatchOrder, EveryEpochHoldsEverySampleOnce) {
  const BatchOrder order(103, 10, 7);
  EXPECT_EQ(order.steps_per_epoch(), 11);
  EXPECT_EQ(order.batch(9).size(), 10u);
  EXPECT_EQ(order.batch(10).size(), 3u);
  std::vector<std::size_t> all(103);
  std::iota(all.begin(), all.end(), 0);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    auto samples = epoch_of(order, epoch);
    std::sort(samples.begin(), samples.end());
    EXPECT_EQ(samples, all);
  }
}

TEST(BatchOrder, EpochsAndSeedsAreShuffledAnew) {
  const BatchOrder order(103, 10, 7);
  EXPECT_NE(epoch_of(order, 0), epoch_of(order, 1));
  EXPECT_NE(epoch_of(order, 0), epoch_of(BatchOrder(103, 10, 8), 0));
  EXPECT_FALSE(std::ranges::is_sorted(epoch_of(order, 0)));
}

TEST(BatchOrder, UnshuffledBatchesFollowTheData) {
  const BatchOrder order(5, 2, 7, /*shuffle=*/false);
  const std::vector<std::vector<std::size_t>> expected = {{0, 1}, {2, 3}, {4}, {0, 1}};
  for (std::size_t step = 0; step < expected.size(); ++step) {
    EXPECT_EQ(order.batch(static_cast<std::int64_t>(step)), expected[step]) << step;
  }
}

TEST(BatchOrder, BatchIsAFunctionOfItsStepAlone) {
  const BatchOrder straight(50, 8, 3);
  for (std::int64_t step = 0; step < 3 * straight.steps_per_epoch(); ++step) {
    const auto batch = straight.batch(step);
    EXPECT_EQ(BatchOrder(50, 8, 3).batch(step), batch) << "step " << step;
  }
  const auto back_again = straight.batch(1);
  EXPECT_EQ(BatchOrder(50, 8, 3).batch(1), back_again);
}

TEST(BatchOrder, BatchLargerThanTheDataIsTheData) {
  const BatchOrder order(3, 10, 0);
  EXPECT_EQ(order.steps_per_epoch(), 1);
  EXPECT_EQ(order.batch(5).size(), 3u);
}

}  // namespace
}  // namespace rlhf
