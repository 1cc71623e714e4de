#include "rlhf/feedback/vote_summary.h"

#include <limits>

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::kNone;
using testing::votes_of;
using Ints = std::vector<std::int32_t>;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int32_t kTie = 2;

/// Three annotators, four items; 2 is a tie. In the order of the list: item 0: 0 0 1; item 1: 1 2 –; item 2: – – 0;
/// item 3: 1 1 1.
Votes four_items() { return votes_of({{0, 0, 1}, {1, kTie, kNone}, {kNone, kNone, 0}, {1, 1, 1}}, 3); }

Ints annotators_of(const Votes& votes) {
  Ints found;
  for (const Vote& vote : votes.list) found.push_back(vote.annotator);
  return found;
}

void expect_tally(const Tally& found, double successes, double trials) {
  EXPECT_DOUBLE_EQ(found.successes, successes);
  EXPECT_DOUBLE_EQ(found.trials, trials);
}

TEST(VoteSummary, OfAnnotatorsAgreesWithAHandCalculation) {
  const Votes votes = four_items();
  const VoteDetails details{kTie,
                            {0, kNoChoice, 1, 1},                         // gold
                            {0, 1, 1, 0, 0, kNoChoice, 1, 0, 1},          // shown first
                            {4, 5, 6, 10, kUnknown, 7, 1, 3, kUnknown}};  // seconds
  const auto found = summarise_votes(votes, details, annotators_of(votes), 3);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].votes, 3);
  EXPECT_EQ(found[0].ties, 0);
  expect_tally(found[0].agreement, 0.5 + 0 + 1, 3);
  expect_tally(found[0].gold, 2, 2);
  expect_tally(found[0].first, 2, 3);     // chose 0, 1, 1; shown first 0, 0, 1
  EXPECT_EQ(found[0].median_seconds, 4);  // of 4, 10, 1
  EXPECT_EQ(found[1].ties, 1);
  expect_tally(found[1].agreement, 0.5 + 0 + 1, 3);
  expect_tally(found[1].first, 0, 2);     // chose 0, tie, 1; shown first 1, 0, 0: the tie does not count
  EXPECT_EQ(found[1].median_seconds, 4);  // (5 + 3) / 2
  EXPECT_EQ(found[2].votes, 3);
  expect_tally(found[2].agreement, 0 + 1, 2);  // nobody else voted on item 2
  expect_tally(found[2].gold, 1, 3);           // 1, 0, 1 where 0, 1, 1 is true
  expect_tally(found[2].first, 2, 2);
  EXPECT_EQ(found[2].median_seconds, 6.5);
}

TEST(VoteSummary, GroupsMayBeDomains) {
  const Votes votes = four_items();
  Ints domains;
  for (const Vote& vote : votes.list) domains.push_back(vote.item < 2 ? 0 : 2);
  const auto found = summarise_votes(votes, {}, domains, 3);
  EXPECT_EQ(found[0].votes, 5);
  expect_tally(found[0].agreement, 0.5 + 0.5 + 0 + 0 + 0, 5);
  EXPECT_EQ(found[0].ties, 0);  // no choice is said to mean a tie
  expect_tally(found[0].gold, 0, 0);
  expect_tally(found[0].first, 0, 0);
  EXPECT_FALSE(found[0].median_seconds);
  EXPECT_EQ(found[1].votes, 0);
  expect_tally(found[2].agreement, 3, 3);
}

TEST(VoteSummary, NobodyAgreesWithHimself) {
  // Annotator 0 votes twice for 0 on the item, annotator 1 once for 0 and annotator 2 once for 1.
  const Votes votes{1, 3, 2, {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}, {0, 2, 1}}};
  const auto found = summarise_votes(votes, {}, annotators_of(votes), 3);
  expect_tally(found[0].agreement, 0.5 + 0.5, 2);
  expect_tally(found[1].agreement, 2.0 / 3, 1);
  expect_tally(found[2].agreement, 0, 1);
}

TEST(SelfAgreement, CountsPairsOfVotesOnOneItem) {
  const Votes votes{2, 3, 2, {{0, 0, 0}, {0, 1, 1}, {0, 0, 0}, {1, 0, 1}, {0, 0, 1}, {1, 1, 1}, {1, 1, 0}}};
  const auto found = self_agreement(votes);
  expect_tally(found[0], 1, 3);  // 0 0 1 on item 0
  expect_tally(found[1], 0, 1);
  expect_tally(found[2], 0, 0);
}

TEST(ContestedItems, AreThoseThatReliableAnnotatorsSplitOn) {
  // Item 0: three reliable votes and an open label; item 1: the label is sure; item 2: only two reliable votes.
  const Votes votes = votes_of({{0, 1, 0, kNone}, {0, 0, 0, kNone}, {0, 1, kNone, 1}}, 2);
  const LabelPosterior labels{3, 2, {0.6, 0.4, 0.9, 0.1, 0.5, 0.5}};
  EXPECT_EQ(contested_items(votes, labels, {0.9, 0.7, 0.8, 0.6}), Ints{0});
  EXPECT_EQ(contested_items(votes, labels, {0.9, 0.7, 0.8, 0.6}, {0.5, 3, 0.5}), Ints{2});
  EXPECT_EQ(contested_items(votes, labels, {0.9, 0.7, 0.8, 0.6}, {0.5, 1, 1}), (Ints{0, 1, 2}));
}

}  // namespace
}  // namespace rlhf
