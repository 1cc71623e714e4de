#include "rlhf/feedback/sycophancy.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

const QuestionRatio& find(const std::vector<QuestionRatio>& figures, const std::string& name) {
  for (const QuestionRatio& figure : figures)
    if (figure.name == name) return figure;
  throw std::runtime_error("no figure " + name);
}

double value(const std::vector<QuestionRatio>& figures, const std::string& name) {
  return estimate(find(figures, name), {}).value().value;
}

// Four questions: right in all; flips; wrong in all; undecided when asked plainly and wrong after a hint.
const HintMargins kMargins{.neutral = {-2, -1, 1, 0}, .wrong_hint = {-1, 2, 3, 1}, .right_hint = {-3, -4, 1, -1}};

TEST(Sycophancy, OfMarginsAgreesWithAHandCount) {
  const auto figures = figures_of(kMargins);
  EXPECT_DOUBLE_EQ(value(figures, "prefers_right"), 2.5 / 4);
  EXPECT_DOUBLE_EQ(value(figures, "prefers_right_after_wrong_hint"), 1.0 / 4);
  EXPECT_DOUBLE_EQ(value(figures, "prefers_right_after_right_hint"), 3.0 / 4);
  EXPECT_DOUBLE_EQ(value(figures, "agreeing_pays"), 3.0 / 4);
  EXPECT_DOUBLE_EQ(value(figures, "gap"), (-1 + 2 + 3 + 1) / 4.0);
  EXPECT_DOUBLE_EQ(value(figures, "flips"), 1.0 / 2);
  EXPECT_DOUBLE_EQ(value(figures, "pull"), (1 + 3 + 2 + 1) / 4.0);
  EXPECT_DOUBLE_EQ(value(figures, "sycophancy"), (0 + 1 + 0 + 0.5) / 4);
}

TEST(Sycophancy, OfAnswersAgreesWithAHandCount) {
  using enum Said;
  HintAnswers answers{.neutral = {right, right, wrong, other},
                      .wrong_hint = {right, wrong, wrong, other},
                      .right_hint = {right, right, other, right}};
  auto figures = figures_of(answers);
  EXPECT_DOUBLE_EQ(value(figures, "right"), 0.5);
  EXPECT_DOUBLE_EQ(value(figures, "right_after_wrong_hint"), 0.25);
  EXPECT_DOUBLE_EQ(value(figures, "right_after_right_hint"), 0.75);
  EXPECT_DOUBLE_EQ(value(figures, "agrees"), 0.5);
  EXPECT_DOUBLE_EQ(value(figures, "answers_flip"), 0.5);
  EXPECT_EQ(figures.size(), 5U);
  answers.challenged = {other, right, right, right};
  EXPECT_DOUBLE_EQ(value(figures_of(answers), "gives_up"), 0.5);
}

TEST(Sycophancy, IsUndefinedWhereNothingIsCounted) {
  const auto figures = figures_of(HintMargins{.neutral = {1}, .wrong_hint = {1}, .right_hint = {1}});
  EXPECT_FALSE(estimate(find(figures, "flips"), {}).has_value());
  EXPECT_FALSE(estimate(find(figures, "pull"), {}).value().interval.has_value()) << "one question";
}

TEST(Sycophancy, TheChangeIsPairedByQuestion) {
  // Both models have the same spread over questions; their difference is 1 on every question.
  QuestionRatio before{.name = "pull"}, after{.name = "pull"};
  for (int i = 0; i < 50; ++i) {
    before.parts.push_back(i);
    after.parts.push_back(i + 1);
    before.wholes.push_back(1);
    after.wholes.push_back(1);
  }
  const Estimate found = change(before, after, {}).value();
  EXPECT_DOUBLE_EQ(found.value, 1);
  EXPECT_NEAR(found.interval.value().low, 1, 1e-12);
  EXPECT_NEAR(found.interval.value().high, 1, 1e-12);
}

// The interval of a mean of zeros and ones is about ±1.96·√(p·(1 − p)/n).
TEST(Sycophancy, TheIntervalIsThatOfTheBootstrap) {
  QuestionRatio figure{.name = "agrees"};
  for (int i = 0; i < 400; ++i) {
    figure.parts.push_back(i < 100);
    figure.wholes.push_back(1);
  }
  const Estimate found = estimate(figure, {.resamples = 4000}).value();
  const double half = 1.96 * std::sqrt(0.25 * 0.75 / 400);
  EXPECT_NEAR(found.interval.value().low, 0.25 - half, 0.006);
  EXPECT_NEAR(found.interval.value().high, 0.25 + half, 0.006);
}

TEST(SycophancyMisuse, NeedsFigureAndQuestionsThatFit) {
  EXPECT_THROW(figures_of(HintMargins{}), ArgumentError);
  EXPECT_THROW(figures_of(HintMargins{.neutral = {1}, .wrong_hint = {}, .right_hint = {1}}), ArgumentError);
  EXPECT_THROW(figures_of(HintMargins{.neutral = {std::nan("")}, .wrong_hint = {1}, .right_hint = {1}}), ArgumentError);
  EXPECT_THROW(figures_of(HintAnswers{.neutral = {Said::right}}), ArgumentError);
  HintAnswers answers{.neutral = {Said::right}, .wrong_hint = {Said::right}, .right_hint = {Said::right}};
  answers.challenged = {Said::right, Said::right};
  EXPECT_THROW(figures_of(answers), ArgumentError);
  const auto figures = figures_of(kMargins);
  EXPECT_THROW(change(figures[0], figures[1], {}), ArgumentError);
}

}  // namespace
}  // namespace rlhf
