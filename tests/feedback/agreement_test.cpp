#include "rlhf/feedback/agreement.h"

#include <cmath>

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::expect_number;
using testing::kNone;
using testing::votes_of;

PairedChoices pairs_of(std::int32_t choices, const std::vector<std::vector<int>>& table) {
  PairedChoices pairs{choices, {}, {}};
  for (std::int32_t c = 0; c < choices; ++c)
    for (std::int32_t d = 0; d < choices; ++d) {
      pairs.first.insert(pairs.first.end(), table[c][d], c);
      pairs.second.insert(pairs.second.end(), table[c][d], d);
    }
  return pairs;
}

TEST(Agreement, AgreesWithAHandCalculation) {
  // Three votes each: (a a b), (a a a), (b b b), (a b b). P = 2/6, 1, 1, 2/6: A = 2/3.
  // p_a = (2/3 + 1 + 0 + 1/3) / 4 = 1/2: both chances are 1/2, so κ = AC1 = (2/3 − 1/2) / (1/2) = 1/3.
  const auto counts = count_votes(votes_of({{0, 0, 1}, {0, 0, 0}, {1, 1, 1}, {0, 1, 1}}, 2));
  EXPECT_NEAR(percent_agreement(counts).value(), 2.0 / 3, 1e-15);
  EXPECT_NEAR(fleiss_kappa(counts).value(), 1.0 / 3, 1e-15);
  EXPECT_NEAR(gwet_ac1(counts).value(), 1.0 / 3, 1e-15);
  // n = 12, n_a = n_b = 6, o_ab = 2·1/2 + 1·2/2 = 2: α = 1 − 11·(2 + 2) / (36 + 36) = 7/18.
  EXPECT_NEAR(krippendorff_alpha(counts, nominal_disagreement(2)).value(), 7.0 / 18, 1e-15);
}

TEST(Agreement, FleissKappaIsThatOfTheWellKnownExample) {
  // Ten patients, five categories, fourteen raters: κ = 0.210.
  const std::vector<std::int32_t> table = {0, 0, 0, 0, 14, 0, 2, 6, 4, 2, 0, 0, 3, 5, 6, 0, 3, 9, 2, 0, 2, 2, 8, 1, 1,
                                           7, 7, 0, 0, 0,  3, 2, 6, 3, 0, 2, 5, 3, 2, 2, 6, 5, 2, 1, 0, 0, 2, 2, 3, 7};
  EXPECT_NEAR(fleiss_kappa({10, 5, table}).value(), 0.2099, 5e-5);
}

TEST(Agreement, AlphaIsThatOfKrippendorffsExample) {
  // "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units, missing values.
  const int _ = kNone;
  const auto counts = count_votes(votes_of({{0, 0, _, 0},
                                            {1, 1, 2, 1},
                                            {2, 2, 2, 2},
                                            {2, 2, 2, 2},
                                            {1, 1, 1, 1},
                                            {0, 1, 2, 3},
                                            {3, 3, 3, 3},
                                            {0, 0, 1, 0},
                                            {1, 1, 1, 1},
                                            {_, 4, 4, 4},
                                            {_, _, 0, 0},
                                            {_, _, 2, _}},
                                           5));
  EXPECT_NEAR(krippendorff_alpha(counts, nominal_disagreement(5)).value(), 0.743, 5e-4);
  EXPECT_NEAR(krippendorff_alpha(counts, interval_disagreement({1, 2, 3, 4, 5})).value(), 0.849, 5e-4);
  EXPECT_NEAR(gwet_ac1(counts).value(), 0.77544, 5e-6);  // Gwet's own example of his AC1
}

TEST(Agreement, CohensKappaAgreesWithAHandCalculation) {
  // Agreed 35 of 50; by chance (25/50)·(30/50) + (25/50)·(20/50) = 1/2: κ = (0.7 − 0.5) / 0.5 = 0.4.
  EXPECT_NEAR(cohen_kappa(pairs_of(2, {{20, 5}, {10, 15}}), nominal_disagreement(2)).value(), 0.4, 1e-15);
  // Linear weights, four pairs, margins 2, 1, 1 and 1, 2, 1. Observed: one pair differs by 1: 1/4. Expected:
  // (2·2·1 + 2·1·2 + 1·1·1 + 1·1·1 + 1·1·2 + 1·2·1) / 16 = 14/16. κ = 1 − (4/16) / (14/16) = 5/7.
  const auto pairs = pairs_of(3, {{1, 1, 0}, {0, 1, 0}, {0, 0, 1}});
  EXPECT_NEAR(cohen_kappa(pairs, linear_disagreement({0, 1, 2})).value(), 5.0 / 7, 1e-15);
}

TEST(Agreement, AgreesWithThePythonPackages) {
  for (const auto& golden : testing::golden_list("agreement", "cases")) {
    const Votes votes = votes_of(golden);
    const VoteCounts counts = count_votes(votes);
    const std::vector<double> values = golden["values"];
    expect_number(percent_agreement(counts), golden["percent"], 1e-12);
    expect_number(fleiss_kappa(counts), golden["fleiss"], 1e-12);
    expect_number(gwet_ac1(counts), golden["ac1"], 1e-12);
    expect_number(krippendorff_alpha(counts, nominal_disagreement(votes.choices)), golden["nominal"], 1e-12);
    expect_number(krippendorff_alpha(counts, interval_disagreement(values)), golden["interval"], 1e-12);
  }
}

TEST(Agreement, CohensKappaAgreesWithScikitLearn) {
  for (const auto& golden : testing::golden_list("agreement", "cases")) {
    const Votes votes = votes_of(golden);
    std::vector<double> steps;
    for (std::int32_t c = 0; c < votes.choices; ++c) steps.push_back(c);
    for (const auto& expected : golden["cohen"]) {
      const PairedChoices pairs = paired_choices(votes, expected["first"], expected["second"]);
      EXPECT_EQ(pairs.first.size(), expected["common"]);
      expect_number(cohen_kappa(pairs, nominal_disagreement(votes.choices)), expected["nominal"], 1e-12);
      expect_number(cohen_kappa(pairs, linear_disagreement(steps)), expected["linear"], 1e-12);
      expect_number(cohen_kappa(pairs, interval_disagreement(steps)), expected["quadratic"], 1e-12);
    }
  }
}

TEST(Agreement, IsUndefinedWhereNothingCanDisagree) {
  const VoteCounts alone{2, 2, {1, 0, 0, 1}}, same{2, 2, {2, 0, 2, 0}};
  EXPECT_FALSE(percent_agreement(alone) || fleiss_kappa(alone) || gwet_ac1(alone));
  EXPECT_FALSE(krippendorff_alpha(alone, nominal_disagreement(2)));
  EXPECT_EQ(percent_agreement(same), 1.0);
  EXPECT_FALSE(fleiss_kappa(same) || gwet_ac1(same) || krippendorff_alpha(same, nominal_disagreement(2)));
  EXPECT_FALSE(cohen_kappa({2, {}, {}}, nominal_disagreement(2)));
  EXPECT_FALSE(cohen_kappa({2, {1, 1}, {1, 1}}, nominal_disagreement(2)));
}

TEST(Agreement, IgnoresItemsWithoutVotes) {
  const VoteCounts with{3, 2, {2, 1, 0, 0, 0, 2}}, without{2, 2, {2, 1, 0, 2}};
  EXPECT_EQ(fleiss_kappa(with), fleiss_kappa(without));
  EXPECT_EQ(gwet_ac1(with), gwet_ac1(without));
}

TEST(VoteAccuracy, SolvesTheAgreementOfTwoVotes) {
  // 0.9² + 0.1² = 0.82
  EXPECT_NEAR(vote_accuracy(0.82), 0.9, 1e-15);
  EXPECT_EQ(vote_accuracy(1), 1);
  EXPECT_EQ(vote_accuracy(0.5), 0.5);
  EXPECT_EQ(vote_accuracy(0.3), 0.5);
}

}  // namespace
}  // namespace rlhf
