#include "rlhf/tensor/pack_by_length.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

std::vector<std::int64_t> random_lengths(std::size_t count, std::uint64_t seed) {
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < count; ++i) {
    lengths.push_back(1 + static_cast<std::int64_t>(random_below(seed, 0, i, 300)));
  }
  return lengths;
}

TEST(PackByLength, HandMadeExample) {
  // Longest first into the fullest group with room, budget 10:
  //   7 -> A(3 free); 6 -> B(4 free); 4 -> B(0); 3 -> A(0); 2 -> C(8 free); 2 -> C(6 free)
  const std::vector<std::int64_t> lengths = {2, 7, 3, 6, 4, 2};
  const std::vector<std::vector<std::size_t>> groups = {{1, 2}, {3, 4}, {0, 5}};
  EXPECT_EQ(pack_by_length(lengths, 10), groups);
}

TEST(PackByLength, BestFitPrefersTheTightestGroup) {
  // 8 -> A(2 free); 7 -> B(3 free); 2 -> A, where it fits exactly.
  EXPECT_EQ(pack_by_length(std::vector<std::int64_t>{7, 8, 2}, 10),
            (std::vector<std::vector<std::size_t>>{{1, 2}, {0}}));
}

TEST(PackByLength, ItemLongerThanTheBudgetStandsAlone) {
  EXPECT_EQ(pack_by_length(std::vector<std::int64_t>{1, 12, 1}, 10),
            (std::vector<std::vector<std::size_t>>{{1}, {0, 2}}));
  EXPECT_TRUE(pack_by_length({}, 10).empty());
}

TEST(PackByLength, EveryItemOnceWithinTheBudgetAndLittleWaste) {
  constexpr std::int64_t kBudget = 1024;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto lengths = random_lengths(500, seed);
    const auto groups = pack_by_length(lengths, kBudget);
    std::vector<int> seen(lengths.size());
    for (const auto& group : groups) {
      std::int64_t tokens = 0;
      for (const std::size_t item : group) {
        ++seen[item];
        tokens += lengths[item];
      }
      EXPECT_LE(tokens, kBudget);
      EXPECT_TRUE(std::ranges::is_sorted(group, [&](auto a, auto b) { return lengths[a] > lengths[b]; }));
    }
    EXPECT_TRUE(std::ranges::all_of(seen, [](int count) { return count == 1; }));
    // Best fit decreasing needs at most 11/9 of the optimum and a constant (Johnson 1973);
    // on many small items it comes close to total / budget, the least there can be.
    const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    EXPECT_LE(static_cast<double>(groups.size()), 1.02 * static_cast<double>(total) / kBudget + 1);
  }
}

TEST(PackByLength, ItemsOfOneLengthShareGroups) {
  // 20 items of 100 and 20 of 50 under 200: ten groups of two, then five of four; no group mixes lengths.
  std::vector<std::int64_t> lengths;
  for (int i = 0; i < 20; ++i) lengths.insert(lengths.end(), {100, 50});
  const auto groups = pack_by_length(lengths, 200);
  EXPECT_EQ(groups.size(), 15u);
  for (const auto& group : groups) {
    for (const std::size_t item : group) EXPECT_EQ(lengths[item], lengths[group[0]]);
  }
}

TEST(PackForRanks, DealsOutByCostTheLargestFirst) {
  // Costs 9 | 5, 5; then 2 to the rank with 9, whose sum is least.
  const std::vector<std::int64_t> lengths = {1024, 2048, 4096, 2048};
  const std::vector<double> costs = {2, 5, 9, 5};
  EXPECT_EQ(pack_for_ranks(lengths, costs, 5120, 2), (std::vector<Groups>{{{2, 0}}, {{1, 3}}}));
  EXPECT_EQ(pack_for_ranks(lengths, costs, 4096, 2), (std::vector<Groups>{{{2}, {0}}, {{1, 3}}}));
  expect_misuse<ArgumentError>("costs: expected 4", [&] { pack_for_ranks(lengths, {}, 4096, 2); });
}

TEST(PackForRanks, AllRanksTogetherHaveEveryItemOnce) {
  for (const std::size_t count : {1, 3, 40}) {
    const auto lengths = random_lengths(count, count);
    const std::vector<double> costs(lengths.begin(), lengths.end());
    for (const int size : {1, 2, 4, 7}) {
      std::vector<std::size_t> all;
      std::size_t idle = 0;
      for (const Groups& groups : pack_for_ranks(lengths, costs, 600, size)) {
        idle += groups.empty();
        for (const auto& group : groups) {
          std::int64_t tokens = 0;
          for (const std::size_t item : group) tokens += lengths[item];
          EXPECT_LE(tokens, 600);
          all.insert(all.end(), group.begin(), group.end());
        }
      }
      std::ranges::sort(all);
      std::vector<std::size_t> each(count);
      std::iota(each.begin(), each.end(), 0);
      EXPECT_EQ(all, each) << count << " items, " << size << " ranks";
      EXPECT_TRUE(count < 40 || idle == 0) << size;
    }
    EXPECT_EQ(pack_for_ranks(lengths, costs, 600, 1), std::vector<Groups>{pack_by_length(lengths, 600)});
  }
  EXPECT_EQ(pack_for_ranks({}, {}, 600, 2), std::vector<Groups>(2));
}

}  // namespace
}  // namespace rlhf
