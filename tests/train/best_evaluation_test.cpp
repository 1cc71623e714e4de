#include "train/best_evaluation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

EvalOptions patient(std::int64_t patience, double min_delta) { return {.patience = patience, .min_delta = min_delta}; }

struct Evaluation {
  double value;
  bool is_best, exhausted;
};

void expect_course(BestEvaluation best, const std::vector<Evaluation>& course) {
  std::int64_t step = 0;
  for (const Evaluation& evaluation : course) {
    EXPECT_EQ(best.add(++step, evaluation.value), evaluation.is_best) << step;
    EXPECT_EQ(best.exhausted(), evaluation.exhausted) << step;
  }
}

TEST(BestEvaluation, EndsAfterSoManyWithoutImprovement) {
  expect_course({"eval_loss", Better::lower, patient(2, 0)}, {{3, true, false},
                                                              {2, true, false},
                                                              {2, false, false},  // equal is no improvement
                                                              {1, true, false},
                                                              {4, false, false},
                                                              {2, false, true}});
  expect_course({"eval_accuracy", Better::higher, patient(1, 0)},
                {{0.5, true, false}, {0.7, true, false}, {0.6, false, true}});
}

TEST(BestEvaluation, NeverEndsWithoutPatience) {
  expect_course({"eval_loss", Better::lower, patient(0, 0)}, {{1, true, false}, {2, false, false}, {3, false, false}});
}

// From 3: 2.9 and 2.8 are better but not by more than 0.25; 2.7 is, in sum. 2.6 is the best again without counting.
TEST(BestEvaluation, SmallImprovementsCountInSum) {
  expect_course({"eval_loss", Better::lower, patient(3, 0.25)}, {{3, true, false},
                                                                 {2.9, true, false},
                                                                 {2.8, true, false},
                                                                 {2.7, true, false},
                                                                 {2.6, true, false},
                                                                 {2.6, false, false},
                                                                 {2.6, false, true}});
}

TEST(BestEvaluation, AValueThatIsNotFiniteIsNoImprovement) {
  expect_course({"eval_loss", Better::lower, patient(2, 0)},
                {{NAN, false, false}, {3, true, false}, {NAN, false, false}, {-INFINITY, false, true}});
}

TEST(BestEvaluation, GoesThroughACheckpoint) {
  BestEvaluation best("eval_loss", Better::lower, patient(2, 0.5)), other("eval_loss", Better::lower, patient(2, 0.5)),
      by_another("eval_accuracy", Better::higher, patient(2, 0.5));
  best.add(10, 3);
  best.add(20, 2.9);
  const nlohmann::json state = best.state();
  other.restore(state);
  EXPECT_EQ(other.value(), 2.9);
  EXPECT_EQ(other.step(), 20);
  EXPECT_FALSE(other.exhausted());
  other.add(30, 2.8);
  EXPECT_TRUE(other.exhausted());
  EXPECT_EQ(other.why_exhausted(), "eval_loss has not improved by more than 0.5 in 2 evaluations (eval.patience)");
  by_another.restore(state);
  EXPECT_EQ(by_another.value(), std::nullopt) << "of another metric";

  EXPECT_FALSE(goes_on_after_early_stop(state, patient(3, 0))) << "it had not ended";
  EXPECT_TRUE(goes_on_after_early_stop(other.state(), patient(3, 0)));
  EXPECT_TRUE(goes_on_after_early_stop(other.state(), patient(0, 0)));
  EXPECT_FALSE(goes_on_after_early_stop(other.state(), patient(2, 0)));
}

// Checkpoints of earlier versions have the best value only.
TEST(BestEvaluation, TakesACheckpointWithoutCounts) {
  BestEvaluation best("eval_loss", Better::lower, patient(1, 0));
  best.restore({{"best", 2.0}, {"best_by", "eval_loss"}});
  EXPECT_FALSE(best.add(5, 3));
  EXPECT_TRUE(best.exhausted());
}

}  // namespace
}  // namespace rlhf
