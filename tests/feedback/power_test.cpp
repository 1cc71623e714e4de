// Plans, against scipy, by hand, and against simulated annotators (shares within 4 standard errors).
#include "rlhf/feedback/power.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/simulate.h"

#include "support/misuse.h"
#include "support/read_golden.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

void expect_share(double found, double expected, double count) {
  EXPECT_NEAR(found, expected, 4 * std::sqrt(expected * (1 - expected) / count));
}

TEST(Power, BinomialTailsAgreeWithScipy) {
  for (const auto& tail : testing::read_golden("feedback/power.json")["tails"])
    EXPECT_NEAR(binomial_at_least(tail[0], tail[1], tail[2]), tail[3], 1e-10) << tail;
}

TEST(Power, GoldItemsAgreeWithScipy) {
  for (const auto& golden : testing::read_golden("feedback/power.json")["gold"]) {
    const auto found = gold_items_to_tell(golden["bad"], golden["good"], golden["error"], golden["power"]).value();
    EXPECT_EQ(found.items, golden["items"]) << golden;
    EXPECT_EQ(found.pass, golden["pass"]) << golden;
    EXPECT_NEAR(found.bad_pass, golden["bad_pass"], 1e-10);
    EXPECT_NEAR(found.good_pass, golden["good_pass"], 1e-10);
  }
  EXPECT_FALSE(gold_items_to_tell(0.8, 0.8001));
}

TEST(Power, WidthsAgreeWithStatsmodels) {
  for (const auto& golden : testing::read_golden("feedback/power.json")["widths"])
    EXPECT_EQ(gold_items_for_width(golden["accuracy"], golden["width"]), golden["items"].get<int>()) << golden;
  EXPECT_FALSE(gold_items_for_width(0.5, 0.001));
}

TEST(Power, LabelErrorByHand) {
  EXPECT_NEAR(majority_error(0.8, 1), 0.2, 1e-12);
  EXPECT_NEAR(majority_error(0.8, 2), 0.04 + 0.32 / 2, 1e-12);
  EXPECT_NEAR(majority_error(0.8, 3), 0.008 + 3 * 0.04 * 0.8, 1e-12);
  EXPECT_EQ(votes_for_error(0.8, 0.104001), 3);
  EXPECT_EQ(votes_for_error(0.8, 0.1), 5);
  EXPECT_EQ(votes_for_error(0.8, 0.2), 1);
  EXPECT_FALSE(votes_for_error(0.5, 0.4));
  EXPECT_FALSE(votes_for_error(0.501, 0.4));
}

TEST(Power, ExpertsByHand) {
  // 40 % of the pairs: 0.6·0.2 + 0.4·0.05 = 0.14.
  EXPECT_NEAR(expert_share_for_error(0.2, 0.05, 0.14).value(), 0.4, 1e-12);
  EXPECT_EQ(expert_share_for_error(0.1, 0.05, 0.14), 0);
  EXPECT_FALSE(expert_share_for_error(0.2, 0.15, 0.14));
}

/// Votes of `count` annotators of this accuracy on every one of `pairs`: is each right? [annotator][pair]
std::vector<std::vector<bool>> simulated_rights(double accuracy, std::int32_t count, std::int32_t items,
                                                std::uint64_t seed) {
  const auto pairs = simulate_pairs({items}, seed);
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(accuracy / (1 - accuracy));
  const std::vector<SimulatedAnnotator> annotators(count, annotator);
  const auto votes = simulate_votes(pairs, annotators, assign_annotators(items, count, count, seed), seed).votes;
  std::vector<std::vector<bool>> rights(count, std::vector<bool>(items));
  for (const PairVote& vote : votes)
    rights[vote.annotator][vote.pair] = (vote.answer > 0) == (pairs[vote.pair].quality > 0);
  return rights;
}

TEST(Power, GoldTestPassesSimulatedAnnotatorsAsOftenAsItSays) {
  const GoldTest test = gold_items_to_tell(0.8, 0.9).value();
  constexpr std::int32_t kCount = 2000;
  for (const bool good : {false, true}) {
    double passed = 0;
    for (const auto& rights : simulated_rights(good ? 0.9 : 0.8, kCount, test.items, 1))
      passed += std::count(rights.begin(), rights.end(), true) >= test.pass;
    expect_share(passed / kCount, good ? test.good_pass : test.bad_pass, kCount);
  }
}

TEST(Power, VotesHalveTheErrorOfSimulatedLabels) {
  const std::int32_t votes = votes_for_error(0.8, majority_error(0.8, 1) / 2).value();
  constexpr std::int32_t kPairs = 5000;
  const auto rights = simulated_rights(0.8, votes, kPairs, 2);
  double wrong = 0;
  for (std::int32_t i = 0; i < kPairs; ++i) {
    const auto right = std::count_if(rights.begin(), rights.end(), [i](const auto& of_one) { return of_one[i]; });
    wrong += 2 * right < votes;
  }
  expect_share(wrong / kPairs, majority_error(0.8, votes), kPairs);
  EXPECT_LT(wrong / kPairs, 0.1);
}

TEST(Power, ExpertsHalveTheErrorOfSimulatedLabels) {
  const double share = expert_share_for_error(0.2, 0.02, 0.1).value();
  constexpr std::int32_t kPairs = 20000;
  const auto crowd = simulated_rights(0.8, 1, kPairs, 3)[0], expert = simulated_rights(0.98, 1, kPairs, 4)[0];
  const auto seen = expert_labels(simulate_pairs({kPairs}, 3), share, 3);
  double wrong = 0;
  for (std::int32_t i = 0; i < kPairs; ++i) wrong += !(seen[i] != 0 ? expert[i] : crowd[i]);
  expect_share(wrong / kPairs, 0.1, kPairs);
}

TEST(Power, Misuse) {
  expect_misuse<ArgumentError>("good: expected above bad, up to 1, found 0.7", [] { gold_items_to_tell(0.8, 0.7); });
  expect_misuse<ArgumentError>("bad: expected 0 to 1, found -1", [] { gold_items_to_tell(-1, 0.7); });
  expect_misuse<ArgumentError>("error: expected above 0 and below 1", [] { gold_items_to_tell(0.5, 0.7, 0); });
  expect_misuse<ArgumentError>("power: expected above 0 and below 1", [] { gold_items_to_tell(0.5, 0.7, 0.1, 1); });
  expect_misuse<ArgumentError>("accuracy: expected 0 to 1, found 80", [] { majority_error(80, 3); });
  expect_misuse<ArgumentError>("votes: expected 1 to 5000, found 0", [] { majority_error(0.8, 0); });
  expect_misuse<ArgumentError>("trials: expected 0 to 5000, found -1", [] { binomial_at_least(-1, 0, 0.5); });
  expect_misuse<ArgumentError>("width: expected above 0 and below 1", [] { gold_items_for_width(0.8, 0); });
  expect_misuse<ArgumentError>("error: expected above 0 and below 1", [] { votes_for_error(0.8, 0); });
  expect_misuse<ArgumentError>("expert_error: expected 0 to 1", [] { expert_share_for_error(0.2, 2, 0.1); });
}

}  // namespace
}  // namespace rlhf
