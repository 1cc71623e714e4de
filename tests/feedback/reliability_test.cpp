#include "rlhf/feedback/reliability.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rlhf/core/random.h"

#include "support/read_golden.h"

namespace rlhf {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

TEST(QuantileGroups, AreOfAboutEqualSizeAndInOrder) {
  EXPECT_EQ(quantile_groups({5, 1, 4, 2, 3, 0}, 3), (Groups{{1, 5}, {3, 4}, {0, 2}}));
  // The median is 2, which goes into the lower group.
  EXPECT_EQ(quantile_groups({3, 1, 2}, 2), (Groups{{1, 2}, {0}}));
}

TEST(QuantileGroups, KeepEqualValuesTogether) {
  EXPECT_EQ(quantile_groups({7, 7, 7, 7}, 4), (Groups{{0, 1, 2, 3}}));
  // All inner quantiles are 0 or 1: nothing lies between them.
  EXPECT_EQ(quantile_groups({0, 1, 0, 1, 0, 1}, 5), (Groups{{0, 2, 4}, {1, 3, 5}}));
}

TEST(Reliability, AgreesWithAHandCalculation) {
  // Two pairs at confidence 3/4, of which one is right, and two at 9/10, both right.
  const ScoredPairs pairs{{std::log(3), -std::log(3), std::log(9), -std::log(9)}, {1, 1, 1, 0}};
  const auto diagram = reliability_diagram(pairs, 2);
  ASSERT_EQ(diagram.size(), 2U);
  EXPECT_NEAR(diagram[0].confidence, 0.75, 1e-15);
  EXPECT_EQ(diagram[0].accuracy, 0.5);
  EXPECT_NEAR(diagram[1].confidence, 0.9, 1e-15);
  EXPECT_EQ(diagram[1].accuracy, 1);
  EXPECT_NEAR(expected_calibration_error(diagram), 0.5 * 0.25 + 0.5 * 0.1, 1e-15);
}

TEST(Reliability, AgreesWithScikitLearn) {
  int compared = 0;
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["pairs"]) {
    if (!golden.contains("diagrams")) continue;
    for (const auto& expected : golden["diagrams"]) {
      const auto diagram = reliability_diagram({golden["margins"], golden["truths"]}, expected["bins"]);
      ASSERT_EQ(diagram.size(), expected["pairs"].size());
      for (std::size_t b = 0; b < diagram.size(); ++b) {
        EXPECT_EQ(diagram[b].pairs, expected["pairs"][b]);
        EXPECT_NEAR(diagram[b].confidence, expected["confidence"][b], 1e-12);
        EXPECT_NEAR(diagram[b].accuracy, expected["accuracy"][b], 1e-12);
      }
      EXPECT_NEAR(expected_calibration_error(diagram), expected["error"], 1e-12);
      ++compared;
    }
  }
  EXPECT_GT(compared, 3);
}

TEST(Reliability, OfACalibratedModelHasASmallError) {
  // Votes drawn from the model's own probabilities: an error of a bin of 2,000 has a standard deviation below 0.012.
  ScoredPairs pairs;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    pairs.margins.push_back(2 * random_normal(3, 0, i));
    pairs.truths.push_back(random_uniform(3, 1, i) < 1 / (1 + std::exp(-pairs.margins.back())));
  }
  EXPECT_LT(expected_calibration_error(reliability_diagram(pairs, 10)), 0.02);
  for (double& margin : pairs.margins) margin *= 3;
  EXPECT_GT(expected_calibration_error(reliability_diagram(pairs, 10)), 0.08);
}

}  // namespace
}  // namespace rlhf
