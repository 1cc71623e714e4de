// Simulated annotators behave as their numbers say. Shares of n votes are compared within 4 standard errors.
#include "rlhf/feedback/simulate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

constexpr std::int32_t kPairs = 4000;

/// All annotators judge all pairs.
std::vector<Assignment> everybody(std::size_t pairs, std::int32_t annotators) {
  std::vector<Assignment> found;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(pairs); ++i)
    for (std::int32_t k = 0; k < annotators; ++k) found.push_back({i, k});
  return found;
}

std::vector<PairVote> votes_of_one(const std::vector<SimulatedPair>& pairs, const SimulatedAnnotator& annotator,
                                   std::uint64_t seed = 5) {
  return simulate_votes(pairs, {annotator}, everybody(pairs.size(), 1), seed).votes;
}

using Event = std::function<bool(const PairVote&)>;

void expect_share(const std::vector<PairVote>& votes, double expected, const Event& event) {
  const double n = static_cast<double>(votes.size());
  const auto found = static_cast<double>(std::count_if(votes.begin(), votes.end(), event));
  EXPECT_NEAR(found / n, expected, 4 * std::sqrt(expected * (1 - expected) / n));
}

const Event kFirst = [](const PairVote& vote) { return vote.answer > 0; };

/// Pairs that are all the same.
std::vector<SimulatedPair> equal_pairs(const SimulatedPair& pair) { return {kPairs, pair}; }

TEST(SimulatedAnnotator, IsRightByRationalityAndError) {
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(9);
  expect_share(votes_of_one(equal_pairs({1}), annotator), 0.9, kFirst);
  expect_share(votes_of_one(equal_pairs({-2}), annotator), 1. / 82, kFirst);  // σ(−2·ln 9)
  annotator.error = 0.5;
  expect_share(votes_of_one(equal_pairs({1}), annotator), 0.5 * 0.9 + 0.5 * 0.5, kFirst);
}

TEST(SimulatedAnnotator, HasBiases) {
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(4);
  annotator.agreement_bias = std::log(2);
  annotator.length_bias = std::log(3);
  expect_share(votes_of_one(equal_pairs({-1, 0, 1}), annotator), 1. / 3, kFirst);   // σ(−ln 4 + ln 2)
  expect_share(votes_of_one(equal_pairs({1, -2, 0}), annotator), 4. / 13, kFirst);  // σ(ln 4 − 2·ln 3)
}

TEST(SimulatedAnnotator, PrefersTheAnswerShownFirst) {
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(4);
  annotator.position_bias = std::log(2);
  const auto votes = votes_of_one(equal_pairs({1}), annotator);
  expect_share(votes, 0.5, [](const PairVote& vote) { return vote.position == 1; });
  // σ(ln 4 + ln 2) = 8/9 where the first answer is shown first, σ(ln 4 − ln 2) = 2/3 where it is not.
  expect_share(votes, 0.5 * 8 / 9, [](const PairVote& vote) { return vote.position == 1 && vote.answer > 0; });
  expect_share(votes, 0.5 * 2 / 3, [](const PairVote& vote) { return vote.position == -1 && vote.answer > 0; });
}

TEST(SimulatedAnnotator, AnswersOnAScale) {
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(3);
  annotator.cuts = {std::log(3), std::log(9)};
  const auto votes = votes_of_one(equal_pairs({1}), annotator);
  EXPECT_EQ(votes[0].scale, 5);
  // P(x > c) = σ(ln 3 − c): 1/2 above the first cut, 1/4 above the second; P(x < −ln 3) = σ(−ln 9) = 1/10.
  expect_share(votes, 1. / 4, [](const PairVote& vote) { return vote.answer == 2; });
  expect_share(votes, 1. / 4, [](const PairVote& vote) { return vote.answer == 1; });
  expect_share(votes, 1 - 1. / 2 - 1. / 10, [](const PairVote& vote) { return vote.answer == 0; });
}

TEST(SimulatedAnnotator, KnowsItsDomain) {
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(9);
  annotator.expertise = {1, 0};
  expect_share(votes_of_one(equal_pairs({1, 0, 0, 0}), annotator), 0.9, kFirst);
  expect_share(votes_of_one(equal_pairs({1, 0, 0, 1}), annotator), 0.5, kFirst);
}

TEST(SimulatedAnnotator, TiresByTheNumberOfVotes) {
  // After 2000 votes with fatigue ln(2)/20 per 100, rationality has halved: log-odds ln 9 become ln 3.
  SimulatedAnnotator annotator;
  annotator.rationality = std::log(9);
  annotator.fatigue = std::log(2) / 20;
  std::vector<PairVote> fresh, tired;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto votes = votes_of_one(equal_pairs({1}), annotator, seed);
    fresh.insert(fresh.end(), votes.begin(), votes.begin() + 20);
    tired.insert(tired.end(), votes.begin() + 1990, votes.begin() + 2010);
  }
  expect_share(fresh, 0.9, kFirst);
  expect_share(tired, 0.75, kFirst);
}

TEST(SimulateVotes, DependOnlyOnTheSeedAndOnWhatIsDrawn) {
  const auto pairs = simulate_pairs({50, 3, 0.5, 0.5, 0.4}, 1);
  SimulatedAnnotator crowd, adversary;
  adversary.rationality = -2;
  adversary.cost = 0.25;
  const auto all = simulate_votes(pairs, {crowd, adversary}, everybody(50, 2), 9);
  const auto one = simulate_votes({pairs.begin(), pairs.begin() + 20}, {crowd, adversary}, {{7, 1}}, 9);
  const auto other = simulate_votes(pairs, {crowd, adversary}, everybody(50, 2), 10);
  EXPECT_EQ(one.votes[0].answer, all.votes[15].answer);
  EXPECT_EQ(one.votes[0].position, all.votes[15].position);
  EXPECT_EQ(all.cost, 50 * 1.25);
  int different = 0;
  for (std::size_t v = 0; v < 100; ++v) different += all.votes[v].answer != other.votes[v].answer;
  EXPECT_GT(different, 5);
}

TEST(AssignAnnotators, AsksDifferentOnesAndAllEquallyOften) {
  const auto assignments = assign_annotators(3000, 6, 4, 2);
  ASSERT_EQ(assignments.size(), 12000U);
  std::vector<int> asked(6);
  for (std::size_t i = 0; i < 3000; ++i) {
    std::set<std::int32_t> of_pair;
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_EQ(assignments[4 * i + j].pair, static_cast<std::int32_t>(i));
      of_pair.insert(assignments[4 * i + j].annotator);
      ++asked[assignments[4 * i + j].annotator];
    }
    EXPECT_EQ(of_pair.size(), 4U);
  }
  for (const int count : asked) EXPECT_NEAR(count, 2000, 4 * std::sqrt(3000 * 2. / 3 / 3));
  EXPECT_EQ(assign_annotators(1, 6, 6, 0).size(), 6U);
}

TEST(SimulatePairs, HaveTheShares) {
  const auto pairs = simulate_pairs({kPairs, 2, 0.7, 0.4, 0}, 3);
  const auto near = [](double found, double share, double n) {
    EXPECT_NEAR(found / n, share, 4 * std::sqrt(share * (1 - share) / n));
  };
  double first = 0, hinted = 0, wrong = 0, domain = 0, length = 0;
  for (const SimulatedPair& pair : pairs) {
    EXPECT_EQ(std::abs(pair.quality), 1);
    first += pair.quality > 0;
    hinted += pair.agreement != 0;
    wrong += pair.agreement == -pair.quality;
    domain += pair.domain;
    length += pair.length * pair.length;
  }
  near(first, 0.5, kPairs);
  near(hinted, 0.7, kPairs);
  near(wrong, 0.7 * 0.4, kPairs);
  near(domain, 0.5, kPairs);
  EXPECT_NEAR(length / kPairs, 1, 4 * std::sqrt(2. / kPairs));  // the variance of a squared normal number is 2
  double logs = 0;
  for (const SimulatedPair& pair : simulate_pairs({kPairs, 1, 0, 0, 0.5}, 3))
    logs += std::pow(std::log(std::abs(pair.quality)), 2);
  EXPECT_NEAR(logs / kPairs, 0.25, 4 * 0.25 * std::sqrt(2. / kPairs));
}

TEST(ExpertLabels, AreTheLabelsOfAShare) {
  const auto pairs = simulate_pairs({kPairs, 1, 0, 0, 0}, 4);
  const auto labels = expert_labels(pairs, 0.05, 4);
  double seen = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    seen += labels[i] != 0;
    EXPECT_EQ(labels[i], labels[i] == 0 ? 0 : pairs[i].quality);
  }
  EXPECT_NEAR(seen / kPairs, 0.05, 4 * std::sqrt(0.05 * 0.95 / kPairs));
}

TEST(JudgedPairs, OfASimulation) {
  const std::vector<SimulatedPair> pairs{{1, 0.5, -1, 0}, {-1, -2, 0, 2}};
  const JudgedPairs judged = judged_pairs(pairs, {{{1, 0, -1}}, 1}, 3);
  EXPECT_EQ(judged.pairs, 2);
  EXPECT_EQ(judged.annotators, 3);
  EXPECT_EQ(judged.votes[0].pair, 1);
  EXPECT_EQ(judged.features.is_bias, (std::vector<bool>{true, false}));
  EXPECT_EQ(judged.features.differences, (std::vector<double>{-1, 0.5, 0, -2}));
  EXPECT_EQ(judged.domains.count, 3);
  EXPECT_EQ(judged.domains.of_pair, (std::vector<std::int32_t>{0, 2}));
}

}  // namespace
}  // namespace rlhf
