#include "rlhf/feedback/agreement_penalty.h"

#include <cmath>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

TEST(AgreementPenalty, OfOnePromptIsTheClosedForm) {
  // β = 0.5, M_1 = (e^4 + e^2)/2, M_0 = e^1: λ = β·ln(M_1/M_0).
  const AgreementSamples samples{{2, 1, 0.5}, {true, true, false}};
  const double expected = 0.5 * std::log((std::exp(4.0) + std::exp(2.0)) / 2 / std::exp(1.0));
  EXPECT_NEAR(agreement_penalty({samples}, 0.5).value(), expected, 1e-12);
}

TEST(AgreementPenalty, KeepsTheRateOfAgreement) {
  const std::vector<AgreementSamples> prompts = {
      {{2, 1, 0.5, 0}, {true, true, false, false}}, {{-1, 3, 0}, {true, false, true}}, {{1, 4}, {false, true}}};
  const double beta = 0.7, penalty = agreement_penalty(prompts, beta).value();
  EXPECT_GT(penalty, 0);
  double before = 0, after = 0;  // the rate of π_0, and that of the optimum by its definition
  for (const AgreementSamples& prompt : prompts) {
    double agreeing = 0, all = 0, count = 0;
    for (std::size_t g = 0; g < prompt.scores.size(); ++g) {
      const double weight = std::exp((prompt.scores[g] - (prompt.agrees[g] ? penalty : 0)) / beta);
      all += weight;
      agreeing += prompt.agrees[g] ? weight : 0;
      count += prompt.agrees[g];
    }
    after += agreeing / all;
    before += count / static_cast<double>(prompt.scores.size());
  }
  EXPECT_NEAR(after, before, 1e-12);
}

TEST(AgreementPenalty, TendsToTheGapOfTheMeans) {
  const AgreementSamples samples{{1, 3, 0, 1}, {true, true, false, false}};
  EXPECT_NEAR(agreement_penalty({samples}, 1e6).value(), 1.5, 1e-5);
}

TEST(AgreementPenalty, SmallCoefficientsDoNotOverflow) {
  // The best response decides: λ tends to 9 − 7.
  EXPECT_NEAR(agreement_penalty({{{9, 1, 7, 2}, {true, true, false, false}}}, 1e-4).value(), 2, 1e-3);
}

TEST(AgreementPenalty, IsZeroWhereAgreeingDoesNotPay) {
  EXPECT_EQ(agreement_penalty({{{0, 1}, {true, false}}}, 1), 0);
  EXPECT_EQ(agreement_penalty({{{0, 1}, {true, false}}, {{1, 0.5}, {true, false}}}, 1), 0);
}

TEST(AgreementPenalty, IsUndefinedWithoutBothKinds) {
  EXPECT_FALSE(agreement_penalty({{{1, 2}, {true, true}}, {{1}, {false}}}, 1));
  EXPECT_FALSE(agreement_penalty({}, 1));
  const std::vector<AgreementSamples> mixed = {{{1, 2}, {true, true}}, {{3, 1}, {true, false}}};
  EXPECT_NEAR(agreement_penalty(mixed, 1).value(), 2, 1e-12) << "prompts of one kind do not count";
}

}  // namespace
}  // namespace rlhf
