// Cut points of the scales on which annotators answer.
#include "feedback/answer_scale.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "support/read_golden.h"

namespace rlhf {
namespace {

/// P(answer | s).
double probability(std::int32_t answer, std::int32_t scale, const std::vector<double>& cuts, double s) {
  return std::exp(log_probability(range_of(answer, scale, cuts), s));
}

TEST(AnswerScale, ProbabilitiesByHand) {
  // σ(ln 3) = 3/4, σ(ln 9) = 9/10; s = 0.
  const std::vector<double> cuts{std::log(3), std::log(9)};
  EXPECT_NEAR(probability(0, 5, cuts, 0), 3. / 4 - 1. / 4, 1e-12);
  EXPECT_NEAR(probability(1, 5, cuts, 0), 1. / 4 - 1. / 10, 1e-12);
  EXPECT_NEAR(probability(-2, 5, cuts, 0), 1. / 10, 1e-12);
  EXPECT_NEAR(probability(1, 4, {std::log(3)}, 0), 1. / 2 - 1. / 4, 1e-12);
  EXPECT_NEAR(probability(2, 4, {std::log(3)}, 0), 1. / 4, 1e-12);
  EXPECT_NEAR(probability(1, 2, {}, std::log(3)), 3. / 4, 1e-12);
}

TEST(AnswerScale, ProbabilitiesAddUpToOneOnEveryScale) {
  for (std::int32_t scale = 2; scale <= 9; ++scale) {
    double sum = 0;
    for (std::int32_t answer = -scale / 2; answer <= scale / 2; ++answer)
      if (answer != 0 || scale % 2 == 1) sum += probability(answer, scale, prior_cuts(scale), 0.7);
    EXPECT_NEAR(sum, 1, 1e-12) << scale;
  }
}

TEST(GapPosterior, GradientAndInformationAreCentralDifferences) {
  constexpr double kStep = 1e-5;
  for (const std::int32_t scale : {3, 4, 5, 7}) {
    std::vector<PredictedAnswer> answers;
    for (std::int32_t answer = -scale / 2; answer <= scale / 2; ++answer)
      if (answer != 0 || scale % 2 == 1) answers.push_back({answer, 0.3 * answer + 0.4});
    std::vector<double> gaps(prior_cuts(scale).size(), 0.6);
    const ConcavePoint here = gap_posterior(scale, answers, gaps);
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      std::vector<double> above = gaps, below = gaps;
      above[i] += kStep;
      below[i] -= kStep;
      const ConcavePoint more = gap_posterior(scale, answers, above), less = gap_posterior(scale, answers, below);
      EXPECT_NEAR(here.gradient[i], (more.value - less.value) / (2 * kStep), 1e-8) << scale;
      for (std::size_t j = 0; j < gaps.size(); ++j)
        EXPECT_NEAR(here.information.at(i, j), -(more.gradient[j] - less.gradient[j]) / (2 * kStep), 1e-7) << scale;
    }
  }
}

TEST(GapPosterior, IsTheOrderedModelOfStatsmodelsButForThePrior) {
  for (const auto& golden : testing::read_golden("feedback/latent.json")["ordered"]) {
    const std::vector<double> cuts = golden["cuts"];
    std::vector<PredictedAnswer> answers;
    double likelihood = 0, by_coefficient = 0;
    for (std::size_t i = 0; i < golden["x"].size(); ++i) {
      const double x = golden["x"][i], s = golden["coefficient"].get<double>() * x;
      answers.push_back({golden["answers"][i], s});
      const AnswerRange range = range_of(answers.back().answer, golden["scale"], cuts);
      likelihood += log_probability(range, s);
      by_coefficient += score(range, s) * x;
    }
    EXPECT_NEAR(likelihood, golden["log_likelihood"], 1e-9 * answers.size());
    EXPECT_NEAR(by_coefficient, 0, 1e-4);
    std::vector<double> gaps(cuts.size());
    std::adjacent_difference(cuts.begin(), cuts.end(), gaps.begin());
    const ConcavePoint found = gap_posterior(golden["scale"], answers, gaps);
    for (std::size_t j = 0; j < gaps.size(); ++j)  // at the largest likelihood the prior's slope is left
      EXPECT_NEAR(found.gradient[j], 1 / gaps[j] - 1, 1e-4);
  }
}

TEST(FitCuts, FindTheSharesOfTheAnswers) {
  // s = 0 in 100,000 answers of shares 1/10, 1/5, 2/5, 1/5, 1/10: the cuts are ln(7/3) and ln 9, as σ of them is 0.7
  // and 0.9. The prior moves them by about 1/100,000.
  std::vector<PredictedAnswer> answers;
  for (std::int32_t i = 0; i < 10000; ++i)
    for (const std::int32_t answer : {-2, -1, -1, 0, 0, 0, 0, 1, 1, 2}) answers.push_back({answer, 0});
  const std::vector<double> cuts = fit_cuts(5, answers, prior_cuts(5));
  EXPECT_NEAR(cuts[0], std::log(7. / 3), 1e-3);
  EXPECT_NEAR(cuts[1], std::log(9), 1e-3);
}

TEST(FitCuts, StayInOrderWhereAStepWasNeverUsed) {
  const std::vector<double> none = fit_cuts(5, {}, {3, 4});
  EXPECT_NEAR(none[0], 1, 1e-9);  // the mode of the prior
  EXPECT_NEAR(none[1], 2, 1e-9);
  const std::vector<double> no_ties = fit_cuts(3, std::vector<PredictedAnswer>(1000, {1, 2}), {1});
  EXPECT_GT(no_ties[0], 0);
  EXPECT_LT(no_ties[0], 0.05);
}

}  // namespace
}  // namespace rlhf
