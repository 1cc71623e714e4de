#include "rlhf/feedback/scored_pairs.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "support/read_golden.h"

namespace rlhf {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

ScoredPairs scaled(ScoredPairs pairs, double factor) {
  for (double& margin : pairs.margins) margin *= factor;
  return pairs;
}

TEST(ScoredPairs, AgreeWithAHandCalculation) {
  // σ(ln 3) = 3/4. Right, wrong, no opinion, and two of three votes for the first.
  const double ln3 = std::log(3);
  const ScoredPairs pairs{{ln3, -ln3, 0, ln3}, {1, 1, 1, 2.0 / 3}};
  EXPECT_EQ(pair_hits(pairs), (std::vector<double>{1, 0, 0.5, 2.0 / 3}));
  const auto losses = pair_losses(pairs), errors = squared_errors(pairs);
  EXPECT_NEAR(losses[0], std::log(4.0 / 3), 1e-15);
  EXPECT_NEAR(losses[1], std::log(4), 1e-15);
  EXPECT_NEAR(losses[2], std::log(2), 1e-15);
  EXPECT_NEAR(losses[3], std::log(4.0 / 3) * 2 / 3 + std::log(4) / 3, 1e-15);
  EXPECT_NEAR(errors[0], 1.0 / 16, 1e-15);
  EXPECT_NEAR(errors[1], 9.0 / 16, 1e-15);
  EXPECT_NEAR(errors[3], std::pow(3.0 / 4 - 2.0 / 3, 2), 1e-15);
}

TEST(ScoredPairs, HugeMarginsGiveFiniteLosses) {
  const auto losses = pair_losses({{1e6, -1e6}, {1, 1}});
  EXPECT_EQ(losses[0], 0);
  EXPECT_EQ(losses[1], 1e6);
}

TEST(ScoredPairs, AgreeWithScikitLearn) {
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["pairs"]) {
    const ScoredPairs pairs{golden["margins"], golden["truths"]};
    EXPECT_NEAR(mean(pair_hits(pairs)), golden["accuracy"], 1e-12);
    EXPECT_NEAR(mean(pair_losses(pairs)), golden["loss"], 1e-12);
    EXPECT_NEAR(mean(squared_errors(pairs)), golden["brier"], 1e-12);
  }
}

TEST(Temperature, AgreesWithScipy) {
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["pairs"]) {
    const double expected = golden["temperature"];
    EXPECT_NEAR(fit_temperature({golden["margins"], golden["truths"]}).value(), expected, 1e-10 * expected);
  }
}

TEST(Temperature, OfOneMarginIsThatOfItsLogOdds) {
  // All margins are 2; three of four votes agree: σ(2/T) = 3/4, so T = 2 / ln 3.
  const ScoredPairs pairs{{2, 2}, {0.5, 1}};
  EXPECT_NEAR(fit_temperature(pairs).value(), 2 / std::log(3), 1e-14);
  for (const double factor : {1e-8, 1e8}) {
    EXPECT_NEAR(fit_temperature(scaled(pairs, factor)).value() / factor, 2 / std::log(3), 1e-13);
  }
}

TEST(Temperature, IsUndefinedWithoutErrorsAndWithoutKnowledge) {
  EXPECT_FALSE(fit_temperature({{1, 2}, {1, 1}})) << "0 would be the best";
  EXPECT_FALSE(fit_temperature({{-1, -2}, {1, 1}})) << "the model is wrong about everything";
  EXPECT_FALSE(fit_temperature({{0, 0}, {1, 1}}));
  EXPECT_FALSE(fit_temperature({{1, 1}, {1, 0}})) << "infinity would be the best";
  EXPECT_FALSE(fit_temperature({{}, {}}));
}

TEST(SwapAsymmetry, ComparesBothOrders) {
  // The preference of the second pair changes; the third is no preference in both.
  const SwapAsymmetry found = swap_asymmetry({1, 0.5, 0, 2}, {-1.25, 0.25, 0, -2});
  EXPECT_EQ(found.changed, 0.25);
  EXPECT_EQ(found.largest, 0.75);
}

}  // namespace
}  // namespace rlhf
