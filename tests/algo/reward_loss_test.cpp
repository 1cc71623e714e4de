#include "rlhf/algo/reward_loss.h"

#include <cmath>
#include <limits>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/gradcheck.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::leaf;
using testing::Tensors;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double loss_of(double gap, const PairLabels& labels) {
  return bradley_terry_loss(f64({gap}), f64({0}), labels).item<double>();
}

TEST(BradleyTerryLoss, AgreesWithAHandCalculation) {
  // Gaps 0 and ln 3: σ = 1/2 and 3/4.
  const at::Tensor chosen = f64({1, std::log(3.0)});
  const at::Tensor rejected = f64({1, 0});
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected).item<double>(), std::log(2.0) + std::log(4.0 / 3), 1e-12);
  // A margin of ln 3 on the second pair makes its gap 0 too.
  const at::Tensor margin = f64({0, std::log(3.0)});
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected, {.margin = margin}).item<double>(), 2 * std::log(2.0), 1e-12);
}

TEST(BradleyTerryLoss, TrustMultipliesTheGap) {
  EXPECT_NEAR(loss_of(std::log(9.0), {.trust = f64({0.5})}), std::log(4.0 / 3), 1e-12);  // σ(ln 3) = 3/4
  EXPECT_NEAR(loss_of(5, {.trust = f64({0})}), std::log(2.0), 1e-12);
  EXPECT_NEAR(loss_of(std::log(3.0), {.margin = f64({2}), .trust = f64({-1})}), std::log1p(std::exp(std::log(3.0) - 2)),
              1e-12);
}

TEST(CenteringLoss, AgreesWithAHandCalculation) {
  const at::Tensor chosen = f64({1, std::log(3.0)}), rejected = f64({1, 0});
  const double square = std::pow(std::log(3.0), 2);
  EXPECT_NEAR(centering_loss(chosen, rejected, {}).item<double>(), 4 + square, 1e-12);  // (1 + 1)² + (ln 3 + 0)²
  EXPECT_NEAR(centering_loss(chosen, rejected, f64({0.25, 3})).item<double>(), 1 + 3 * square, 1e-12);
  EXPECT_THROW(centering_loss(f32({1}), f32({1, 2}), {}), ShapeError);
  EXPECT_THROW(centering_loss(f32({1}), f32({1}), f32({1, 2})), ShapeError);
}

TEST(CenteringLoss, GradientEqualsCentralDifferences) {
  const Tensors inputs{leaf(testing::normal({6}, 1)), leaf(testing::normal({6}, 2))};
  const at::Tensor weight = testing::normal({6}, 4).abs();
  EXPECT_TRUE(testing::gradcheck([&](const Tensors& x) { return centering_loss(x[0], x[1], weight); }, inputs));
}

TEST(BradleyTerryLoss, AWeightCountsAPairSoOften) {
  // Gaps 0 and ln 3 as above, 1/4 and 3 times.
  const at::Tensor chosen = f64({1, std::log(3.0)}), rejected = f64({1, 0}), weight = f64({0.25, 3});
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected, {.weight = weight}).item<double>(),
              0.25 * std::log(2.0) + 3 * std::log(4.0 / 3), 1e-12);
}

TEST(BradleyTerryLoss, GradientIsMinusTheChanceOfTheWrongOrder) {
  // ∂/∂r_c −log σ(Δ) = −σ(−Δ): −1/2 for a gap of 0, −1/4 for ln 3.
  const at::Tensor chosen = leaf(f64({1, std::log(3.0)}));
  const at::Tensor rejected = leaf(f64({1, 0}));
  const Tensors grads = torch::autograd::grad({bradley_terry_loss(chosen, rejected)}, {chosen, rejected});
  EXPECT_TRUE(close(grads[0], f64({-0.5, -0.25}), 1e-12));
  EXPECT_TRUE(close(grads[1], f64({0.5, 0.25}), 1e-12));
}

TEST(BradleyTerryLoss, GradientEqualsCentralDifferences) {
  const Tensors inputs{leaf(testing::normal({6}, 1)), leaf(testing::normal({6}, 2))};
  const at::Tensor margin = testing::normal({6}, 3).abs(), weight = testing::normal({6}, 4).abs();
  const at::Tensor target = testing::normal({6}, 5), evidence = f64({-1, 0, 0.5, 2, 40, kInfinity});
  for (const PairLabels& labels : {PairLabels{.margin = margin, .weight = weight},
                                   {.margin = margin, .weight = weight, .target = target},
                                   {.margin = margin, .weight = weight, .evidence = evidence},
                                   {.margin = margin, .weight = weight, .target = target, .evidence = evidence},
                                   {.margin = margin, .trust = target}})
    EXPECT_TRUE(testing::gradcheck([&](const Tensors& x) { return bradley_terry_loss(x[0], x[1], labels); }, inputs));
}

TEST(BradleyTerryLoss, StaysFiniteForAGapOfAThousand) {
  const at::Tensor chosen = leaf(f32({-500, 500}));
  const at::Tensor loss = bradley_terry_loss(chosen, f32({500, -500}));
  EXPECT_NEAR(loss.item<double>(), 1000, 1e-3);
  EXPECT_TRUE(close(torch::autograd::grad({loss}, {chosen})[0], f32({-1, 0}), 1e-6));
}

TEST(BradleyTerryLoss, RefusesShapesThatDoNotFit) {
  const at::Tensor one = f32({1}), two = f32({1, 2});
  EXPECT_THROW(bradley_terry_loss(one, two), ShapeError);
  EXPECT_THROW(bradley_terry_loss(one, one, {.margin = two}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(one, one, {.weight = two}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(one, one, {.target = two}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(one, one, {.evidence = two}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(one, one, {.trust = two}), ShapeError);
}

TEST(BradleyTerryLoss, OfASoftTargetIsTheCrossEntropy) {
  // A gap of ln 3: σ = 3/4.
  EXPECT_NEAR(loss_of(std::log(3.0), {.target = f64({0.25})}), 0.25 * std::log(4.0 / 3) + 0.75 * std::log(4.0), 1e-12);
  EXPECT_NEAR(loss_of(std::log(3.0), {.target = f64({0})}), std::log(4.0), 1e-12);
  // The margin belongs to both directions: R = ln 3 − ln 3 = 0.
  EXPECT_NEAR(loss_of(std::log(3.0), {.margin = f64({std::log(3.0)}), .target = f64({0.1})}), std::log(2.0), 1e-12);
}

// Of labels that are wrong with probability ε, the expected loss is that of right labels.
TEST(BradleyTerryLoss, OfTheTargetAboveOneIsUnbiased) {
  for (const double error : {0.1, 0.4})
    for (const double gap : {-2.0, 0.3, 5.0}) {
      const PairLabels labels{.target = f64({(1 - error) / (1 - 2 * error)})};
      const double expected = (1 - error) * loss_of(gap, labels) + error * loss_of(-gap, labels);
      EXPECT_NEAR(expected, std::log1p(std::exp(-gap)), 1e-12);
    }
}

TEST(BradleyTerryLoss, OfEvidenceIsTheMarginalLikelihood) {
  // Three annotators who are right 3 times of 4 and say 1, 1, 2: P(votes | 1) = 9/64, P(votes | 2) = 3/64.
  const double evidence = std::log(3.0);
  const auto marginal = [](double p) { return -std::log(p * 9 / 64 + (1 - p) * 3 / 64); };
  const double constant = std::log(9.0 / 64);  // log P(votes | 1), which the loss leaves out
  EXPECT_NEAR(loss_of(0, {.evidence = f64({evidence})}), marginal(1.0 / 2) + constant, 1e-12);
  EXPECT_NEAR(loss_of(std::log(3.0), {.evidence = f64({evidence})}), marginal(3.0 / 4) + constant, 1e-12);
  EXPECT_NEAR(loss_of(0, {.evidence = f64({-evidence})}), -std::log(2.0), 1e-12);  // 1/2 + 1/2 · 3
  EXPECT_EQ(loss_of(-1.7, {.evidence = f64({0})}), 0);
}

TEST(BradleyTerryLoss, GradientOfEvidenceIsPriorMinusPosterior) {
  // P(1) = σ(0) = 1/2 before the votes; odds of 3 : 1 by them give 3/4.
  const at::Tensor chosen = leaf(f64({0}));
  const at::Tensor loss = bradley_terry_loss(chosen, f64({0}), {.evidence = f64({std::log(3.0)})});
  EXPECT_NEAR(torch::autograd::grad({loss}, {chosen})[0].item<double>(), 0.5 - 0.75, 1e-12);
}

// A pair without labels of its own is trained with the same bits, whatever its neighbours in the batch have.
TEST(BradleyTerryLoss, HasTheBitsOfThePlainFormulaForPlainPairs) {
  const at::Tensor rejected = testing::normal({101}, 2, at::kFloat).mul(4);
  const auto bits = [&](auto loss) {
    const at::Tensor chosen = leaf(testing::normal({101}, 1, at::kFloat).mul(4));
    const at::Tensor value = loss(chosen);
    return Tensors{value, torch::autograd::grad({value}, {chosen})[0]};
  };
  const Tensors plain = bits([&](const at::Tensor& x) { return at::log_sigmoid(x.sub(rejected)).neg().sum(); });
  const at::Tensor ones = at::ones_like(rejected), infinite = at::full_like(rejected, kInfinity);
  for (const PairLabels& labels : {PairLabels{},
                                   {.weight = ones},
                                   {.target = ones},
                                   {.evidence = infinite},
                                   {.target = ones, .evidence = infinite}}) {
    const Tensors found = bits([&](const at::Tensor& x) { return bradley_terry_loss(x, rejected, labels); });
    EXPECT_TRUE(found[0].equal(plain[0]));
    EXPECT_TRUE(found[1].equal(plain[1]));
  }
}

TEST(BradleyTerryLoss, WithLabelsStaysFiniteForAGapOfAThousand) {
  const at::Tensor chosen = leaf(f32({-500, 500, -500, 500})), rejected = f32({500, -500, 500, -500});
  const at::Tensor evidence = f32({2, 2, kInfinity, kInfinity}), target = f32({1, 1, 0.5, 1});
  const at::Tensor loss = bradley_terry_loss(chosen, rejected, {.target = target, .evidence = evidence});
  EXPECT_NEAR(loss.item<double>(), 2 + 0 + 500 + 0, 1e-3);  // votes of odds e² cost at most 2 nats
  EXPECT_TRUE(close(torch::autograd::grad({loss}, {chosen})[0], f32({0, 0, -0.5, 0}), 1e-6));
}

TEST(IpoLoss, AgreesWithAHandCalculation) {
  // τ = 1/4 pulls the gap to 2.
  const at::Tensor chosen = leaf(f64({3, 2, 0})), rejected = f64({0, 0, 0});
  const at::Tensor loss = ipo_loss(chosen, rejected, {}, 0.25);
  EXPECT_NEAR(loss.item<double>(), 1 + 0 + 4, 1e-12);
  EXPECT_TRUE(close(torch::autograd::grad({loss}, {chosen})[0], f64({2, 0, -4}), 1e-12));
  // With a target of 1/4: 1/4 · (3 − 2)² + 3/4 · (−3 − 2)², …
  const PairLabels labels{.margin = f64({0, 1, 0}), .weight = f64({1, 2, 0}), .target = f64({0.25, 1, 1})};
  EXPECT_NEAR(ipo_loss(chosen, rejected, labels, 0.25).item<double>(), 0.25 * 1 + 0.75 * 25 + 2 * 1, 1e-12);
}

TEST(IpoLoss, GradientEqualsCentralDifferences) {
  const Tensors inputs{leaf(testing::normal({6}, 1)), leaf(testing::normal({6}, 2))};
  const PairLabels labels{.margin = testing::normal({6}, 3).abs(), .target = testing::normal({6}, 5)};
  EXPECT_TRUE(testing::gradcheck([&](const Tensors& x) { return ipo_loss(x[0], x[1], labels, 0.1); }, inputs));
}

}  // namespace
}  // namespace rlhf
