#include "rlhf/feedback/labels.h"

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::kNone;
using testing::votes_of;

TEST(Labels, OfAMajorityAreSharesOfVotes) {
  const LabelPosterior labels = majority_vote(votes_of({{0, 0, 1, 2}, {kNone, kNone, kNone, kNone}, {1, 1, 1, 1}}, 3));
  EXPECT_EQ(labels.items, 3);
  EXPECT_EQ(labels.choices, 3);
  EXPECT_EQ(labels.probabilities, (std::vector<double>{0.5, 0.25, 0.25, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 1, 0}));
}

TEST(Labels, ThatAreNotUniqueAreNoChoice) {
  EXPECT_EQ(most_likely({3, 2, {0.4, 0.6, 0.5, 0.5, 0.9, 0.1}}), (std::vector<std::int32_t>{1, kNoChoice, 0}));
}

TEST(Labels, GiveTheExpectedNumberOfRightVotes) {
  // Annotator 0 votes 0 on both items: 0.75 + 0.25; annotator 1 votes 1 on the first; annotator 2 does not vote.
  const auto found = expected_right(votes_of({{0, 1, kNone}, {0, kNone, kNone}}, 2), {2, 2, {0.75, 0.25, 0.25, 0.75}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_DOUBLE_EQ(found[0].successes, 1.0);
  EXPECT_DOUBLE_EQ(found[0].trials, 2);
  EXPECT_DOUBLE_EQ(found[1].successes, 0.25);
  EXPECT_DOUBLE_EQ(found[1].trials, 1);
  EXPECT_DOUBLE_EQ(found[2].trials, 0);
}

TEST(Labels, DropInPlayKeepsTrustedVotesAndItemsOutOfPlay) {
  const Votes votes = votes_of({{0, 1, 0}, {1, 1, 0}}, 2);
  const Votes found = drop_in_play(votes, {true, false}, {false, false, true});
  ASSERT_EQ(found.list.size(), 4u);
  EXPECT_EQ(found.list[0].annotator, 2);
  EXPECT_EQ(found.list[0].item, 0);
  for (std::size_t v = 1; v < 4; ++v) EXPECT_EQ(found.list[v].item, 1);
}

}  // namespace
}  // namespace rlhf
