// What votes say about labels, by hand.
#include <cmath>

#include <gtest/gtest.h>

#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {
namespace {

LatentAnnotators annotator_with(double alpha0, double alpha1, double beta) {
  LatentAnnotators model;
  model.annotators = {{{alpha0, 0, {}}, {alpha1, 0, {}}, {{beta, 0, {}}}}};
  model.is_bias = {true};
  model.least_alpha = 0.02;
  return model;
}

TEST(VoteEvidence, OfOneVoteByHand) {
  // α1 = ln 4, β = ln 2: with Δf = 1 a vote for the first answer has P = σ(ln 8) = 8/9 if it is better, else
  // σ(ln 2 − ln 4) = 1/3. Where the bias is not in play, α0 = ln 9 gives 0.9 and 0.1.
  const LatentAnnotators model = annotator_with(std::log(9), std::log(4), std::log(2));
  const JudgedPairs judged{4, 1, {{0, 0, 1}, {1, 0, -1}, {2, 0, 1}, {2, 0, 1}}, {{true}, {1, 1, 0, 0}}};
  const auto found = vote_evidence(model, judged);
  EXPECT_NEAR(found[0].log_first, std::log(8. / 9), 1e-12);
  EXPECT_NEAR(found[0].log_second, std::log(1. / 3), 1e-12);
  EXPECT_NEAR(found[1].log_first, std::log(1. / 9), 1e-12);
  EXPECT_NEAR(found[1].log_second, std::log(2. / 3), 1e-12);
  EXPECT_NEAR(found[2].log_odds(), 2 * std::log(9), 1e-12);
  EXPECT_EQ(found[3].log_first, 0);
  EXPECT_EQ(found[3].log_second, 0);
  EXPECT_NEAR(label_probability(std::log(3), found[0]), 8. / 9, 1e-12);  // odds 3 · (8/9) / (1/3) = 8
}

TEST(VoteEvidence, DoesNotTurnAnnotatorsRound) {
  const LatentAnnotators model = annotator_with(-3, 1, 0);
  const JudgedPairs judged{1, 1, {{0, 0, 1}}, {{true}, {0}}};
  EXPECT_NEAR(vote_evidence(model, judged)[0].log_odds(), 0.02, 1e-12);  // ln σ(α)/σ(−α) = α
}

TEST(VoteEvidence, StaysFiniteForSureAnnotators) {
  const auto found = vote_evidence(annotator_with(2000, 2000, 0), {1, 1, {{0, 0, -1}}, {{true}, {0}}});
  EXPECT_NEAR(found[0].log_odds(), -2000, 1e-9);
}

TEST(VoteEvidence, OfTiesAndStrengthsByHand) {
  LatentAnnotators model = annotator_with(std::log(4), std::log(4), std::log(4));
  model.scales = {{5, {std::log(2), std::log(4)}}};
  const JudgedPairs judged{4, 1, {{0, 0, 2, 5}, {1, 0, 1, 5}, {2, 0, 0, 5}, {3, 0, 0, 5}}, {{true}, {0, 0, 0, 1}}};
  const auto found = vote_evidence(model, judged);
  // Strong: σ(0) over σ(−ln 16). Weak: σ(ln 2) − σ(0) over σ(−ln 8) − σ(−ln 16).
  EXPECT_NEAR(found[0].log_odds(), std::log((1. / 2) / (1. / 17)), 1e-12);
  EXPECT_NEAR(found[1].log_odds(), std::log((2. / 3 - 1. / 2) / (1. / 9 - 1. / 17)), 1e-12);
  EXPECT_NEAR(found[2].log_odds(), 0, 1e-12);
  // A tie in spite of a pull to the first answer speaks for the second: s is ln 16 or 0.
  EXPECT_NEAR(found[3].log_first, std::log(32. / 33 - 8. / 9), 1e-12);
  EXPECT_NEAR(found[3].log_second, std::log(1. / 3), 1e-12);
}

TEST(VoteEvidence, OnAScaleWithoutAnchorsHasThePriorsCuts) {
  const LatentAnnotators model = annotator_with(2, 2, 0);
  const auto found = vote_evidence(model, {1, 1, {{0, 0, -1, 3}}, {{true}, {0}}});
  EXPECT_NEAR(found[0].log_first, -std::log1p(std::exp(3)), 1e-12);  // σ(−1 − 2)
  EXPECT_NEAR(found[0].log_second, -std::log1p(std::exp(-1)), 1e-12);
}

TEST(VoteEvidence, AllowsForTheAnswerShownFirst) {
  // π = ln 2 and α = ln 4: a vote for the answer shown first has P = σ(ln 8) = 8/9 if it is better, else σ(−ln 2) =
  // 1/3.
  LatentAnnotators model = annotator_with(std::log(4), std::log(4), 0);
  model.annotators[0].position.value = std::log(2);
  const auto found = vote_evidence(model, {2, 1, {{0, 0, 1, 2, 1}, {1, 0, 1, 2, -1}}, {{true}, {0, 0}}});
  EXPECT_NEAR(found[0].log_odds(), std::log((8. / 9) / (1. / 3)), 1e-12);
  EXPECT_NEAR(found[1].log_odds(), std::log((2. / 3) / (1. / 9)), 1e-12);  // σ(ln 2) over σ(−ln 8)
}

TEST(VoteEvidence, AddsTheDomain) {
  LatentAnnotators model = annotator_with(1, 1, 0);
  model.mean.delta = {{}, {}};
  model.annotators[0].delta = {{0.5, 0, {}}, {-3, 0, {}}};
  JudgedPairs judged{2, 1, {{0, 0, 1}, {1, 0, 1}}, {{true}, {0, 0}}};
  judged.domains = {2, {0, 1}};
  const auto found = vote_evidence(model, judged);
  EXPECT_NEAR(found[0].log_odds(), 1.5, 1e-12);
  EXPECT_NEAR(found[1].log_odds(), 0.02, 1e-12);
}

}  // namespace
}  // namespace rlhf
