// Crowd-BT with a prior log-odds per pair.
#include "rlhf/feedback/reliability_em.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rlhf/core/random.h"
#include "rlhf/feedback/simulate.h"

namespace rlhf {
namespace {

TEST(ReliabilityEm, OneRoundByHand) {
  // On the three anchors annotator 0 is right twice and annotator 1 never: η = 6/8 and 4/8, which is no evidence. On
  // pair 3 both vote for the first answer: odds 3, times e^R = 2 make 6, so q = 6/7. Then η_0 = (4 + 2 + 6/7) / 9 and
  // η_1 = (4 + 0 + 6/7) / 9, and q = σ(ln 2 + ln(48/15) + ln(34/29)).
  JudgedPairs judged{
      4, 3, {{0, 0, 1}, {1, 0, -1}, {2, 0, -1}, {0, 1, -1}, {1, 1, 1}, {2, 1, -1}, {3, 0, 1}, {3, 1, 1}}};
  ReliabilityEmOptions options;
  options.max_rounds = 1;
  const ReliabilityEm fit = fit_reliability(judged, {0, 0, 0, std::log(2)}, {1, -1, 1, 0}, options);
  EXPECT_NEAR(fit.annotators[0].value, 48. / 63, 1e-12);
  EXPECT_NEAR(fit.annotators[1].value, 34. / 63, 1e-12);
  EXPECT_NEAR(fit.annotators[2].value, 0.8, 1e-12);  // the prior's mean
  const double odds = 2 * (48. / 15) * (34. / 29);
  EXPECT_NEAR(fit.first[3], odds / (1 + odds), 1e-12);
  EXPECT_EQ(fit.first[0], 1);
  EXPECT_EQ(fit.first[1], 0);
  EXPECT_EQ(fit.annotators[0].votes, 4);
  EXPECT_EQ(fit.annotators[0].anchors, 3);
  EXPECT_FALSE(fit.converged);
  EXPECT_TRUE(fit.limits.empty());
  // Without votes the information is that of the prior, 5 · 0.8 · 0.2: σ(ln 4 ± 1.959964/√0.8).
  EXPECT_NEAR(fit.annotators[2].interval.low, 1 / (1 + std::exp(1.959964 / std::sqrt(0.8)) / 4), 1e-6);
}

/// ln P(votes, η) by its definition: Σ_i ln(p_i·Π P(v | first) + (1 − p_i)·Π P(v | second)) + Σ_k 4·ln η + ln(1 − η).
double log_posterior(const JudgedPairs& judged, const std::vector<double>& prior, const std::vector<double>& eta) {
  std::vector<double> first, second;
  for (const double r : prior) {
    first.push_back(1 / (1 + std::exp(-r)));
    second.push_back(1 - first.back());
  }
  for (const PairVote& vote : judged.votes) {
    first[vote.pair] *= vote.answer > 0 ? eta[vote.annotator] : 1 - eta[vote.annotator];
    second[vote.pair] *= vote.answer > 0 ? 1 - eta[vote.annotator] : eta[vote.annotator];
  }
  double sum = 0;
  for (std::size_t i = 0; i < first.size(); ++i) sum += std::log(first[i] + second[i]);
  for (const double e : eta) sum += 4 * std::log(e) + std::log(1 - e);
  return sum;
}

struct Crowd {
  std::vector<SimulatedPair> pairs;
  JudgedPairs judged;
};

/// A crowd of these reliabilities, of whom `per_pair` judge a pair.
Crowd crowd_of(const std::vector<double>& eta, std::int32_t pairs, std::int32_t per_pair, std::uint64_t seed) {
  Crowd crowd;
  crowd.pairs = simulate_pairs({pairs}, seed);
  std::vector<SimulatedAnnotator> annotators(eta.size());
  for (std::size_t k = 0; k < eta.size(); ++k) annotators[k].rationality = std::log(eta[k] / (1 - eta[k]));
  const auto count = static_cast<std::int32_t>(eta.size());
  const auto votes = simulate_votes(crowd.pairs, annotators, assign_annotators(pairs, count, per_pair, seed), seed);
  crowd.judged = judged_pairs(crowd.pairs, votes, count);
  return crowd;
}

TEST(ReliabilityEm, EndsWhereThePosteriorIsLargest) {
  const Crowd crowd = crowd_of({0.9, 0.8, 0.7, 0.4}, 80, 3, 1);
  std::vector<double> prior;
  for (std::int32_t i = 0; i < 80; ++i) prior.push_back(random_normal(1, 9, i));
  ReliabilityEmOptions options;
  options.tolerance = 1e-10;
  const ReliabilityEm fit = fit_reliability(crowd.judged, prior, {}, options);
  ASSERT_TRUE(fit.converged);
  std::vector<double> eta;
  for (const auto& annotator : fit.annotators) eta.push_back(annotator.value);
  constexpr double kStep = 1e-5;
  for (std::size_t k = 0; k < eta.size(); ++k) {
    std::vector<double> above = eta, below = eta;
    above[k] += kStep;
    below[k] -= kStep;
    const double up = log_posterior(crowd.judged, prior, above), down = log_posterior(crowd.judged, prior, below);
    EXPECT_NEAR((up - down) / (2 * kStep), 0, 1e-5);
    EXPECT_LT(std::max(up, down), log_posterior(crowd.judged, prior, eta));
  }
}

TEST(ReliabilityEm, IsFoundAtTwoHundredVotesAndItsIntervalsCover) {
  double squares = 0, covered = 0;
  for (std::uint64_t world = 0; world < 20; ++world) {
    std::vector<double> eta;
    for (std::uint64_t k = 0; k < 20; ++k) eta.push_back(0.6 + 0.35 * random_uniform(world, 77, k));
    const Crowd crowd = crowd_of(eta, 800, 5, world);  // 200 votes each
    const ReliabilityEm fit = fit_reliability(crowd.judged, {}, {});
    for (std::size_t k = 0; k < 20; ++k) {
      squares += std::pow(fit.annotators[k].value - eta[k], 2);
      covered += fit.annotators[k].interval.low <= eta[k] && eta[k] <= fit.annotators[k].interval.high;
    }
    EXPECT_EQ(fit.limits.size(), 1U);
  }
  // With known labels the root of the mean of 0.225·0.775 / 200, at the middle, is 0.03.
  EXPECT_LT(std::sqrt(squares / 400), 0.04);
  EXPECT_NEAR(covered / 400, 0.95, 4 * std::sqrt(0.95 * 0.05 / 400));
}

TEST(ReliabilityEm, AFewAnchorsFindOutThatMostAnnotatorsAreWrong) {
  // Four of ten are good, three toss coins, three are adversaries: of votes, 0.4·0.9 + 0.3·0.5 + 0.3·0.1 = 54 % are
  // right.
  const std::vector<double> eta{0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1};
  const Crowd crowd = crowd_of(eta, 2000, 1, 3);
  const auto anchors = expert_labels(crowd.pairs, 0.1, 3);
  const ReliabilityEm fit = fit_reliability(crowd.judged, {}, anchors);
  double right = 0, count = 0;
  for (std::size_t i = 0; i < crowd.pairs.size(); ++i) {
    if (anchors[i] != 0) continue;
    right += (fit.first[i] > 0.5) == (crowd.pairs[i].quality > 0);
    ++count;
  }
  // With η known, one vote is right with 0.7·0.9 + 0.3·0.5 = 78 %; about 20 anchors each tell the three kinds apart.
  EXPECT_GT(right / count, 0.72);
  for (std::size_t k = 0; k < eta.size(); ++k) EXPECT_NEAR(fit.annotators[k].value, eta[k], 0.25) << k;
}

TEST(ReliabilityEm, TiesSayNothing) {
  const Crowd crowd = crowd_of({0.9, 0.7, 0.6}, 50, 2, 4);
  JudgedPairs with_ties = crowd.judged;
  for (std::int32_t i = 0; i < 50; ++i) with_ties.votes.push_back({i, i % 3, 0, 3});
  const ReliabilityEm a = fit_reliability(crowd.judged, {}, {}), b = fit_reliability(with_ties, {}, {});
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.annotators[0].votes, b.annotators[0].votes);
  EXPECT_EQ(a.annotators[0].interval.low, b.annotators[0].interval.low);
}

TEST(ReliabilityEm, BoundsKeepOneAnnotatorFromDecidingAll) {
  JudgedPairs judged{300, 2, {}};
  for (std::int32_t i = 0; i < 299; ++i) judged.votes.push_back({i, 0, 1});
  judged.votes.push_back({299, 0, 1});
  judged.votes.push_back({299, 1, -1});
  std::vector<std::int8_t> anchors(300, 1);
  anchors[299] = 0;
  const ReliabilityEm fit = fit_reliability(judged, {}, anchors);
  EXPECT_EQ(fit.annotators[0].value, 0.995);
  EXPECT_GT(fit.annotators[0].interval.low, 0.95);
  EXPECT_LT(fit.annotators[0].interval.high, 1);
}

}  // namespace
}  // namespace rlhf
