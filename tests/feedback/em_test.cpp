// What every model of annotators must do, and what each must find.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "rlhf/core/random.h"
#include "rlhf/feedback/dawid_skene.h"
#include "rlhf/feedback/glad.h"
#include "rlhf/feedback/mace.h"

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::votes_of;

struct World {
  std::vector<std::int32_t> truth;
  std::vector<double> accuracy;
  Votes votes;
};

/// Twenty annotators with the accuracies .55, .57, …, .93, each of whom votes on 200 of 800 items; every item has five
/// votes between two choices.
World simulate(std::uint64_t seed) {
  World world{{}, {}, {800, 20, 2, {}}};
  for (std::int32_t k = 0; k < 20; ++k) world.accuracy.push_back(0.55 + 0.02 * k);
  for (std::int32_t i = 0; i < 800; ++i) {
    world.truth.push_back(static_cast<std::int32_t>(random_below(seed, 0, i, 2)));
    for (std::int32_t v = 0; v < 5; ++v) {
      const std::int32_t k = (i + v * (1 + i / 20 % 4)) % 20;
      const bool right = random_uniform(seed, 1, i * 5 + v) < world.accuracy[k];
      world.votes.list.push_back({i, k, right ? world.truth[i] : 1 - world.truth[i]});
    }
  }
  return world;
}

double share_right(const LabelPosterior& labels, const std::vector<std::int32_t>& truth) {
  double right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) right += labels.probabilities[2 * i + truth[i]] > 0.5;
  return right / static_cast<double>(truth.size());
}

TEST(Em, TheFirstIterationIsThatOfAHandCalculation) {
  // Votes (0 0 1), (0 1 1), gold 0 on the first item. Start: q(0) = 1 and 1/2, p = (3/4, 1/4). One coin, no
  // pseudo-votes: η_0 = (1 + 1/2)/2 = 3/4, η_1 = (1 + 1/2)/2 = 3/4, η_2 = (0 + 1/2)/2 = 1/4. Second item: P(0) ∝
  // 3/4·(3/4)(1/4)(3/4) = 27/256, P(1) ∝ 1/4·(1/4)(3/4)(1/4) = 3/256.
  const auto found = fit_one_coin(votes_of({{0, 0, 1}, {0, 1, 1}}, 2), {0, 0}, {{0, kNoChoice}, 1, 0});
  EXPECT_EQ(found.report.iterations, 1);
  EXPECT_FALSE(found.report.converged);
  EXPECT_NEAR(found.accuracy[0], 0.75, 1e-12);
  EXPECT_NEAR(found.accuracy[1], 0.75, 1e-12);
  EXPECT_NEAR(found.accuracy[2], 0.25, 1e-12);
  EXPECT_NEAR(found.class_shares[0], 0.75, 1e-12);
  EXPECT_EQ(found.labels.probabilities[0], 1);
  EXPECT_NEAR(found.labels.probabilities[2], 0.9, 1e-12);
  // The gold item: 3/4·(3/4)(3/4)(3/4) = 81/256; the other (27 + 3)/256.
  EXPECT_NEAR(found.report.objective, std::log(81.0 / 256) + std::log(30.0 / 256), 1e-12);
}

TEST(Em, PseudoVotesAreAddedToTheCounts) {
  // One item with gold: annotator 0 is right, annotator 1 is wrong, annotator 2 did not vote.
  const Votes votes = votes_of({{0, 1, testing::kNone}}, 2);
  const OneCoin coin = fit_one_coin(votes, {4, 1}, {{0}});
  EXPECT_DOUBLE_EQ(coin.accuracy[0], 5.0 / 6);
  EXPECT_DOUBLE_EQ(coin.accuracy[1], 4.0 / 6);
  EXPECT_DOUBLE_EQ(coin.accuracy[2], 4.0 / 5);
  const DawidSkene matrix = fit_dawid_skene(votes, {4, 1}, {{0}});
  const std::vector<double> expected{5.0 / 6, 1.0 / 6, 1.0 / 5, 4.0 / 5, 4.0 / 6, 2.0 / 6, 1.0 / 5, 4.0 / 5};
  for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_DOUBLE_EQ(matrix.confusion[j], expected[j]) << j;
}

TEST(Em, NeverLowersTheObjective) {
  const Votes votes = simulate(3).votes;
  const std::vector<std::function<EmReport(const EmOptions&)>> models = {
      [&](const EmOptions& options) { return fit_dawid_skene(votes, {}, options).report; },
      [&](const EmOptions& options) { return fit_one_coin(votes, {}, options).report; },
      [&](const EmOptions& options) { return fit_glad(votes, options).report; },
  };
  for (const auto& fit : models) {
    double before = -INFINITY;
    for (int iterations = 1; iterations <= 12; ++iterations) {
      const EmReport report = fit({{}, iterations, 0});
      EXPECT_EQ(report.iterations, iterations);
      EXPECT_GE(report.objective, before - 1e-9);
      before = report.objective;
    }
  }
}

TEST(Em, SaysWhetherItConverged) {
  const Votes votes = simulate(3).votes;
  EXPECT_FALSE(fit_one_coin(votes, {}, {{}, 2, 1e-9}).report.converged);
  const EmReport report = fit_one_coin(votes, {}, {{}, 500, 1e-9}).report;
  EXPECT_TRUE(report.converged);
  EXPECT_LT(report.iterations, 500);
}

TEST(Em, OneCoinRecoversKnownAccuraciesWithIntervalsThatCover) {
  int covered = 0;
  double squares = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const World world = simulate(seed);
    const OneCoin found = fit_one_coin(world.votes);
    for (int k = 0; k < 20; ++k) {
      const double error = found.accuracy[k] - world.accuracy[k];
      squares += error * error;
      covered += std::abs(error) <= 1.96 * found.standard_errors[k];
    }
  }
  EXPECT_LT(std::sqrt(squares / 200), 0.05);
  // Binomial(200, 0.95) is below 180 with probability 0.2 %.
  EXPECT_GE(covered, 180);
}

TEST(Em, EveryModelBeatsTheMajorityOfUnequalAnnotators) {
  const World world = simulate(5);
  const double majority = share_right(majority_vote(world.votes), world.truth);
  EXPECT_GT(share_right(fit_one_coin(world.votes).labels, world.truth), majority + 0.01);
  EXPECT_GT(share_right(fit_dawid_skene(world.votes).labels, world.truth), majority + 0.01);
  EXPECT_GT(share_right(fit_mace(world.votes).labels, world.truth), majority + 0.01);
  EXPECT_GT(share_right(fit_glad(world.votes).labels, world.truth), majority + 0.01);
}

TEST(Em, GoldTurnsAWorldRoundInWhichMostAnnotatorsAreWrong) {
  World world = simulate(6);
  for (Vote& vote : world.votes.list)
    if (vote.annotator % 5 != 0) vote.choice = 1 - vote.choice;  // four of five annotators invert their votes
  EmOptions options;
  options.gold.assign(800, kNoChoice);
  for (std::size_t i = 0; i < 800; i += 10) options.gold[i] = world.truth[i];
  EXPECT_LT(share_right(fit_one_coin(world.votes).labels, world.truth), 0.4);
  EXPECT_GT(share_right(fit_one_coin(world.votes, {1, 1}, options).labels, world.truth), 0.8);
}

TEST(Em, MaceReturnsItsBestStart) {
  const Votes votes = simulate(7).votes;
  const Mace one = fit_mace(votes, {.starts = 1}), many = fit_mace(votes, {.starts = 6, .seed = 2});
  EXPECT_GE(many.report.objective, one.report.objective);
  EXPECT_EQ(fit_mace(votes, {.starts = 6, .seed = 2}).competence, many.competence);
}

TEST(Em, AnnotatorsAndItemsWithoutVotesKeepTheirPriors) {
  const Votes votes{3, 3, 2, {{0, 0, 1}, {0, 1, 1}}};
  const Glad glad = fit_glad(votes);
  EXPECT_DOUBLE_EQ(glad.ability[2], 1);
  EXPECT_DOUBLE_EQ(glad.ease[1], std::exp(1.0));
  EXPECT_DOUBLE_EQ(glad.labels.probabilities[2], 0.5);
  const Mace mace = fit_mace(votes);
  EXPECT_DOUBLE_EQ(mace.competence[2], 0.5);
  EXPECT_DOUBLE_EQ(mace.habits[5], 0.5);
}

}  // namespace
}  // namespace rlhf
