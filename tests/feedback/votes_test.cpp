#include "rlhf/feedback/votes.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::kNone;
using testing::votes_of;
using Ints = std::vector<std::int32_t>;

TEST(Votes, AreCountedPerItemAndChoice) {
  const VoteCounts counts = count_votes(votes_of({{0, 2, 2}, {kNone, kNone, 1}, {kNone, kNone, kNone}}, 3));
  EXPECT_EQ(counts.items, 3);
  EXPECT_EQ(counts.choices, 3);
  EXPECT_EQ(counts.counts, (Ints{1, 0, 2, 0, 1, 0, 0, 0, 0}));
}

TEST(Votes, OfAResampleMayRepeatItems) {
  const VoteCounts counts{3, 2, {1, 2, 3, 4, 5, 6}};
  const VoteCounts found = select_items(counts, {2, 0, 2});
  EXPECT_EQ(found.items, 3);
  EXPECT_EQ(found.counts, (Ints{5, 6, 1, 2, 5, 6}));
}

TEST(Votes, ArePairedOnCommonItemsOnly) {
  Votes votes = votes_of({{0, kNone, 1}, {1, 0, 0}, {kNone, 1, 1}, {0, 1, kNone}}, 2);
  std::reverse(votes.list.begin(), votes.list.end());  // the order of the list does not matter
  const PairedChoices pairs = paired_choices(votes, 0, 1);
  EXPECT_EQ(pairs.first, (Ints{1, 0}));
  EXPECT_EQ(pairs.second, (Ints{0, 1}));
}

}  // namespace
}  // namespace rlhf
