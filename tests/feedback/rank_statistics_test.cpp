#include "rlhf/feedback/rank_statistics.h"

#include <gtest/gtest.h>

#include "rlhf/feedback/best_of_n.h"

#include "support/read_golden.h"

namespace rlhf {
namespace {

TEST(Spearman, AgreesWithAHandCalculation) {
  // Ranks 1, 2, 3, 4 and 1, 3, 2, 4: ρ = 1 − 6·(1 + 1) / (4·15) = 0.8.
  EXPECT_NEAR(spearman({10, 20, 30, 40}, {-5, 0.5, 0, 9}).value(), 0.8, 1e-15);
  EXPECT_EQ(spearman({1, 2}, {4, 3}), -1);
  EXPECT_FALSE(spearman({1, 2}, {3, 3}));
  EXPECT_FALSE(spearman({}, {}));
}

TEST(Spearman, AgreesWithScipy) {
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["ranks"])
    EXPECT_NEAR(spearman(golden["x"], golden["y"]).value(), golden["spearman"], 1e-12);
}

TEST(SpearmanWithin, IgnoresWhatDiffersBetweenGroups) {
  // Within each group the longer has the lower score, although the group of long ones has the high scores.
  const std::vector<double> lengths = {1, 2, 3, 101, 102, 103, 5, 5}, scores = {3, 2, 1, 9, 8, 7, 1, 2};
  EXPECT_NEAR(spearman_within(scores, lengths, {0, 0, 0, 1, 1, 1, 2, 2}).value(), -1, 1e-15);
  EXPECT_GT(spearman({3, 2, 1, 9, 8, 7}, {1, 2, 3, 101, 102, 103}).value(), 0.5);
  EXPECT_FALSE(spearman_within({1, 2}, {1, 2}, {0, 1}));
}

TEST(RocAuc, AgreesWithAHandCalculation) {
  // Of the six comparisons three are won and one is even.
  EXPECT_NEAR(roc_auc({1, 3}, {0, 3, 4}).value(), 3.5 / 6, 1e-15);
  EXPECT_FALSE(roc_auc({}, {1}));
  EXPECT_FALSE(roc_auc({1}, {}));
}

TEST(RocAuc, AgreesWithScikitLearn) {
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["ranks"]) {
    std::vector<double> sides[2];
    for (std::size_t i = 0; i < golden["x"].size(); ++i) sides[golden["label"][i].get<int>()].push_back(golden["x"][i]);
    EXPECT_NEAR(roc_auc(sides[0], sides[1]).value(), golden["auc"], 1e-12);
  }
}

TEST(BestOfN, AgreesWithTheCountOfSubsets) {
  for (const auto& golden : testing::read_golden("feedback/reward_evaluation.json")["best_of_n"])
    EXPECT_NEAR(best_of_n(golden["scores"], golden["values"], golden["n"]), golden["expected"], 1e-12);
}

TEST(BestOfN, SharesPlacesOfEqualScores) {
  // Of the three pairs of {a, b, c} with scores 1, 1, 0, all have a or b as the best, each as often.
  EXPECT_NEAR(best_of_n({1, 1, 0}, {4, 0, 100}, 2), 2, 1e-12);
  EXPECT_NEAR(best_of_n({5, 5, 5, 5}, {1, 0, 0, 0}, 3), 0.25, 1e-12);
}

TEST(BestOfN, OfManyResponsesDoesNotOverflow) {
  std::vector<double> scores(5000), values(5000);
  for (std::size_t i = 0; i < scores.size(); ++i) values[i] = scores[i] = static_cast<double>(i + 1);
  // The largest of n of 1 … N is n·(N + 1)/(n + 1) on average.
  EXPECT_NEAR(best_of_n(scores, values, 2500), 2500.0 * 5001 / 2501, 1e-6);
}

TEST(StyleMatrix, SeparatesHardAndEasy) {
  // A model that prefers fancy answers and does not read them: scores 1, 2, 3 whatever is said.
  const StyleMatrix fancy = style_matrix({{{1, 2, 3}, {1, 2, 3}}});
  EXPECT_EQ(fancy.hard, 0);
  EXPECT_EQ(fancy.normal, 0.5);
  EXPECT_EQ(fancy.easy, 1);
  EXPECT_EQ(fancy.accuracy[0][2], 0);
  EXPECT_EQ(fancy.accuracy[2][0], 1);
  // Two questions: always right; right only about the plainest wrong answer.
  const StyleMatrix both = style_matrix({{{1, 1, 1}, {0, 0, 0}}, {{0, 0, 0}, {-1, 1, 1}}});
  EXPECT_EQ(both.accuracy[1][0], 1);
  EXPECT_EQ(both.accuracy[1][1], 0.5);
  EXPECT_NEAR(both.hard, 0.5, 1e-15);
  EXPECT_NEAR(both.easy, (1 + 1 + 0.5) / 3, 1e-15);
}

}  // namespace
}  // namespace rlhf
