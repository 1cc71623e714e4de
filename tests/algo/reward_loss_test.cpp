#include "rlhf/algo/reward_loss.h"

#include <cmath>

#include <ATen/core/Tensor.h>
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

TEST(BradleyTerryLoss, AgreesWithAHandCalculation) {
  // Gaps 0 and ln 3: σ = 1/2 and 3/4.
  const at::Tensor chosen = f64({1, std::log(3.0)});
  const at::Tensor rejected = f64({1, 0});
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected, {}, {}).item<double>(), std::log(2.0) + std::log(4.0 / 3), 1e-12);
  // A margin of ln 3 on the second pair makes its gap 0 too.
  const at::Tensor margin = f64({0, std::log(3.0)});
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected, margin, {}).item<double>(), 2 * std::log(2.0), 1e-12);
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
  EXPECT_NEAR(bradley_terry_loss(chosen, rejected, {}, weight).item<double>(),
              0.25 * std::log(2.0) + 3 * std::log(4.0 / 3), 1e-12);
}

TEST(BradleyTerryLoss, GradientIsMinusTheChanceOfTheWrongOrder) {
  // ∂/∂r_c −log σ(Δ) = −σ(−Δ): −1/2 for a gap of 0, −1/4 for ln 3.
  const at::Tensor chosen = leaf(f64({1, std::log(3.0)}));
  const at::Tensor rejected = leaf(f64({1, 0}));
  const Tensors grads = torch::autograd::grad({bradley_terry_loss(chosen, rejected, {}, {})}, {chosen, rejected});
  EXPECT_TRUE(close(grads[0], f64({-0.5, -0.25}), 1e-12));
  EXPECT_TRUE(close(grads[1], f64({0.5, 0.25}), 1e-12));
}

TEST(BradleyTerryLoss, GradientEqualsCentralDifferences) {
  const Tensors inputs{leaf(testing::normal({6}, 1)), leaf(testing::normal({6}, 2))};
  const at::Tensor margin = testing::normal({6}, 3).abs(), weight = testing::normal({6}, 4).abs();
  EXPECT_TRUE(
      testing::gradcheck([&](const Tensors& x) { return bradley_terry_loss(x[0], x[1], margin, weight); }, inputs));
}

TEST(BradleyTerryLoss, StaysFiniteForAGapOfAThousand) {
  const at::Tensor chosen = leaf(f32({-500, 500}));
  const at::Tensor loss = bradley_terry_loss(chosen, f32({500, -500}), {}, {});
  EXPECT_NEAR(loss.item<double>(), 1000, 1e-3);
  EXPECT_TRUE(close(torch::autograd::grad({loss}, {chosen})[0], f32({-1, 0}), 1e-6));
}

TEST(BradleyTerryLoss, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(bradley_terry_loss(f32({1}), f32({1, 2}), {}, {}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(f32({1}), f32({1}), f32({1, 2}), {}), ShapeError);
  EXPECT_THROW(bradley_terry_loss(f32({1}), f32({1}), {}, f32({1, 2})), ShapeError);
}

}  // namespace
}  // namespace rlhf
