#include "rlhf/feedback/comparisons.h"

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using Ints = std::vector<std::int32_t>;

TEST(Contradictions, ArePairsWithBothResults) {
  const auto found = find_contradictions({{1, 2}, {3, 4}, {2, 1}, {1, 2}, {4, 5}, {3, 4}, {9, 0}, {0, 9}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].first, 0);
  EXPECT_EQ(found[0].second, 9);
  EXPECT_EQ(found[0].first_better, 1);
  EXPECT_EQ(found[1].first, 1);
  EXPECT_EQ(found[1].second, 2);
  EXPECT_EQ(found[1].first_better, 2);
  EXPECT_EQ(found[1].second_better, 1);
}

TEST(Cycles, AreFoundWithAShortestExample) {
  // 0 > 1 > 2 > 3 > 0 and 0 > 2: a cycle of four and one of three. 4 > 0 and 3 > 5 hang on it. 6 > 7 > 8 > 6 stands
  // alone.
  const auto found = find_cycles({{0, 1}, {1, 2}, {2, 3}, {3, 0}, {0, 2}, {4, 0}, {3, 5}, {6, 7}, {7, 8}, {8, 6}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].completions, (Ints{0, 1, 2, 3}));
  EXPECT_EQ(found[0].example, (Ints{0, 2, 3}));
  EXPECT_EQ(found[1].completions, (Ints{6, 7, 8}));
  EXPECT_EQ(found[1].example, (Ints{6, 7, 8}));
}

TEST(Cycles, AreOfMajorities) {
  const std::vector<Comparison> ranked{{0, 1}, {1, 2}, {0, 2}, {0, 2}};
  std::vector<Comparison> one_against = ranked, even = ranked, two_against = ranked;
  one_against.push_back({2, 0});
  even.insert(even.end(), 2, {2, 0});
  two_against.insert(two_against.end(), 3, {2, 0});
  EXPECT_TRUE(find_cycles(one_against).empty());
  EXPECT_TRUE(find_cycles(even).empty());
  EXPECT_EQ(find_cycles(two_against).size(), 1u);
  EXPECT_TRUE(find_cycles({}).empty());
}

TEST(Cycles, OfARankingThatIsTurnedRoundInOnePlace) {
  // A long chain, and its last completion is better than the tenth from the end: a cycle of ten. A deep chain must not
  // exhaust the stack.
  std::vector<Comparison> chain;
  constexpr std::int32_t kLength = 200000;
  for (std::int32_t c = 0; c + 1 < kLength; ++c) chain.push_back({c, c + 1});
  EXPECT_TRUE(find_cycles(chain).empty());
  chain.push_back({kLength - 1, kLength - 10});
  const auto found = find_cycles(chain);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].completions.size(), 10u);
  EXPECT_EQ(found[0].example.size(), 10u);
}

/// Whether `from` is better than `to`, directly or over others, by closing the relation step by step.
std::vector<std::vector<bool>> closure_of(const std::vector<Comparison>& comparisons, std::int32_t completions) {
  std::vector<std::vector<int>> balance(completions, Ints(completions));
  for (const auto& [better, worse] : comparisons) {
    ++balance[better][worse];
    --balance[worse][better];
  }
  std::vector<std::vector<bool>> reaches(completions, std::vector<bool>(completions));
  for (std::int32_t a = 0; a < completions; ++a)
    for (std::int32_t b = 0; b < completions; ++b) reaches[a][b] = balance[a][b] > 0;
  for (std::int32_t k = 0; k < completions; ++k)
    for (std::int32_t a = 0; a < completions; ++a)
      for (std::int32_t b = 0; b < completions; ++b)
        if (reaches[a][k] && reaches[k][b]) reaches[a][b] = true;
  return reaches;
}

TEST(Cycles, AgreeWithTheClosureOfRandomComparisons) {
  constexpr std::int32_t kCompletions = 12;
  int cyclic = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<Comparison> comparisons;
    for (std::uint64_t j = 0; j < 16; ++j) {
      const auto a = static_cast<std::int32_t>(random_below(seed, 0, j, kCompletions));
      const auto b = static_cast<std::int32_t>(random_below(seed, 1, j, kCompletions));
      if (a != b) comparisons.push_back({a, b});
    }
    const auto reaches = closure_of(comparisons, kCompletions);
    std::vector<Ints> expected;
    for (std::int32_t a = 0; a < kCompletions; ++a) {
      Ints members;
      for (std::int32_t b = 0; b < kCompletions; ++b)
        if (reaches[a][b] && reaches[b][a]) members.push_back(b);
      if (!members.empty() && members.front() == a) expected.push_back(members);
    }
    std::vector<Ints> found;
    for (const PreferenceCycle& cycle : find_cycles(comparisons)) found.push_back(cycle.completions);
    EXPECT_EQ(found, expected) << seed;
    cyclic += !expected.empty();
  }
  EXPECT_GT(cyclic, 50);
  EXPECT_LT(cyclic, 200);
}

TEST(Duplicates, AreItemsWithTheSameCompletionsInAnyOrder) {
  const auto found = find_duplicates({{1, 2}, {3, 4}, {2, 1}, {5, 5}, {1, 3}, {1, 2}, {4, 3}});
  EXPECT_EQ(found.same_pair, (std::vector<Ints>{{0, 2, 5}, {1, 6}}));
  EXPECT_EQ(found.same_completion, Ints{3});
}

TEST(ComparisonsMisuse, IsRefused) {
  testing::expect_misuse<ArgumentError>("comparisons: expected two different completions, found 3", [] {
    find_contradictions({{1, 2}, {3, 3}});
  });
  testing::expect_misuse<ArgumentError>("comparisons: expected completions numbered from 0, found -1", [] {
    find_cycles({{-1, 2}});
  });
  testing::expect_misuse<ArgumentError>("items: expected completions numbered from 0, found -2", [] {
    find_duplicates({{1, -2}});
  });
}

}  // namespace
}  // namespace rlhf
