#include "rlhf/algo/ppo_loss.h"

#include <cmath>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::leaf;
using testing::tensor_of;
using testing::Tensors;

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

TEST(PpoPolicyLoss, AgreesWithAHandCalculation) {
  // ε = 0.2; old log-probabilities 0, so the ratios are what is written below.
  //   ρ = 1.5, A = 2: −3 and −2·1.2 = −2.4, the larger is −2.4 (clipped)
  //   ρ = 1.5, A = −2: 3 and 2.4 give 3;   ρ = 0.5, A = 2: −1 and −1.6 give −1
  //   ρ = 0.5, A = −2: 1 and 1.6 give 1.6 (clipped)
  const at::Tensor logprobs = f64({std::log(1.5), std::log(1.5), std::log(0.5), std::log(0.5)});
  const PolicyLoss loss = ppo_policy_loss(logprobs, at::zeros({4}, at::kDouble), f64({2, -2, 2, -2}), {});
  EXPECT_NEAR(number(loss.losses.sum()), -2.4 + 3 - 1 + 1.6, 1e-12);
  EXPECT_EQ(number(loss.clipped), 2);
  EXPECT_NEAR(number(loss.approx_kl_sum), std::pow(std::log(1.5), 2) + std::pow(std::log(2), 2), 1e-12);
  EXPECT_NEAR(number(loss.ratio_sum), 4, 1e-12);
  EXPECT_NEAR(number(loss.ratio_square_sum), 2 * 2.25 + 2 * 0.25, 1e-12);
}

// ε = 0.2, ε' = 0.4, c = 1.5. ρ = 1.5, A = 2: −2·1.4; ρ = 1.3, A = 2: −2.6, not clipped; ρ = 2, A = −2: 4, but at
// most 3.
TEST(PpoPolicyLoss, ClipsHigherAndTwice) {
  const at::Tensor logprobs = leaf(f64({std::log(1.5), std::log(1.3), std::log(2)}));
  const PolicyLoss loss = ppo_policy_loss(logprobs, at::zeros({3}, at::kDouble), f64({2, 2, -2}), {0.2, 0.4, 1.5});
  EXPECT_TRUE(close(loss.losses, f64({-2.8, -2.6, 3}), 1e-12));
  EXPECT_EQ(number(loss.clipped), 2);
  EXPECT_TRUE(close(torch::autograd::grad({loss.losses.sum()}, {logprobs})[0], f64({0, -2.6, 0}), 1e-12));
}

// Responses of 1 and 3 tokens, at most 4.
TEST(LossWeights, AreThoseOfTheMeans) {
  const Segments responses = make_segments(std::vector<std::int64_t>{1, 3}, at::kCPU);
  EXPECT_TRUE(close(loss_weights(responses, LossAggregation::token_mean, 4), f32({0.25, 0.25, 0.25, 0.25}), 1e-7));
  EXPECT_TRUE(
      close(loss_weights(responses, LossAggregation::sequence_mean, 4), f32({0.5, 1.0 / 6, 1.0 / 6, 1.0 / 6}), 1e-7));
  EXPECT_TRUE(close(loss_weights(responses, LossAggregation::constant, 4), f32({0.125, 0.125, 0.125, 0.125}), 1e-7));
  EXPECT_THROW(loss_weights(responses, LossAggregation::constant, 0), ArgumentError);
}

TEST(PpoPolicyLoss, AgreesWithTrlInValuesAndGradient) {
  const auto golden = testing::read_golden("ppo/ppo.json");
  const at::Tensor logprobs = leaf(tensor_of(golden["logprobs"]));
  const PolicyLoss loss = ppo_policy_loss(logprobs, tensor_of(golden["old_logprobs"]), tensor_of(golden["whitened"]),
                                          {.low = golden["cliprange"], .high = golden["cliprange"]});
  EXPECT_NEAR(number(loss.losses.sum()), golden["policy_loss_sum"], 1e-12);
  EXPECT_EQ(number(loss.clipped), golden["policy_clipped"].get<double>());
  EXPECT_NEAR(number(loss.approx_kl_sum), golden["approx_kl_sum"], 1e-12);
  EXPECT_NEAR(number(loss.ratio_sum), golden["ratio_sum"], 1e-12);
  EXPECT_NEAR(number(loss.ratio_square_sum), golden["ratio_square_sum"], 1e-12);
  EXPECT_TRUE(
      close(torch::autograd::grad({loss.losses.sum()}, {logprobs})[0], tensor_of(golden["policy_grad"]), 1e-12));
}

TEST(PpoPolicyLoss, OfAnUnchangedPolicyHasRatioOneAndThePolicyGradient) {
  const at::Tensor logprobs = leaf(testing::normal({8}, 1));
  const at::Tensor advantages = testing::normal({8}, 2);
  const PolicyLoss loss = ppo_policy_loss(logprobs, logprobs.detach(), advantages, {});
  EXPECT_EQ(number(loss.ratio_sum), 8);
  EXPECT_EQ(number(loss.ratio_square_sum), 8);
  EXPECT_EQ(number(loss.approx_kl_sum), 0);
  EXPECT_EQ(number(loss.clipped), 0);
  EXPECT_NEAR(number(loss.losses.sum()), -number(advantages.sum()), 1e-12);
  EXPECT_TRUE(close(torch::autograd::grad({loss.losses.sum()}, {logprobs})[0], advantages.neg(), 1e-12));
}

TEST(PpoPolicyLoss, GradientEqualsCentralDifferences) {
  // Ratios 1.11, 1.65, 0.61, 0.61, 1.65, 0.90: both sides of the clip range, both signs, no kink nearby.
  const at::Tensor logprobs = leaf(f64({0.1, 0.5, -0.5, -0.5, 0.5, -0.1}));
  const at::Tensor advantages = f64({1, 2, -1, 0.5, -2, -3});
  EXPECT_TRUE(testing::gradcheck(
      [&](const Tensors& x) {
        return ppo_policy_loss(x[0], at::zeros({6}, at::kDouble), advantages, {}).losses.sum().mul(0.7);
      },
      {logprobs}));
}

TEST(PpoPolicyLoss, StaysFiniteForARatioBeyondFloat32) {
  const at::Tensor logprobs = leaf(f32({0, -1000}));
  const PolicyLoss loss = ppo_policy_loss(logprobs, f32({-1000, 0}), f32({-1, 1}), {});
  EXPECT_NEAR(number(loss.losses.sum()) / std::exp(20.0), 1.0, 1e-5);  // the log ratio stops at 20
  EXPECT_TRUE(close(torch::autograd::grad({loss.losses.sum()}, {logprobs})[0], f32({0, 0}), 1e-8));
}

TEST(PpoPolicyLoss, OnlyTheLossCarriesAGradient) {
  const PolicyLoss loss = ppo_policy_loss(leaf(f64({0.1})), f64({0}), f64({1}), {});
  EXPECT_TRUE(loss.losses.requires_grad());
  EXPECT_FALSE(loss.clipped.requires_grad() || loss.approx_kl_sum.requires_grad() || loss.ratio_sum.requires_grad() ||
               loss.ratio_square_sum.requires_grad());
}

TEST(PpoValueLoss, AgreesWithAHandCalculation) {
  // ε = 0.5, V_old = 1.
  //   V = 2, R = 0: 2² = 4 and 1.5² = 2.25, the larger is 4
  //   V = 2, R = 3: 1 and (1.5 − 3)² = 2.25, the larger is 2.25 (clipped)
  //   V = 1.2, R = 1: 0.04 both
  const ValueLoss loss = ppo_value_loss(f64({2, 2, 1.2}), f64({1, 1, 1}), f64({0, 3, 1}), 0.5);
  EXPECT_NEAR(number(loss.loss_sum), 0.5 * (4 + 2.25 + 0.04), 1e-12);
  EXPECT_EQ(number(loss.clipped), 1);
}

TEST(PpoValueLoss, AgreesWithTrlInValueAndGradient) {
  const auto golden = testing::read_golden("ppo/ppo.json");
  const at::Tensor values = leaf(tensor_of(golden["values"]));
  const ValueLoss loss =
      ppo_value_loss(values, tensor_of(golden["old_values"]), tensor_of(golden["returns"]), golden["cliprange_value"]);
  EXPECT_NEAR(number(loss.loss_sum), golden["value_loss_sum"], 1e-12);
  EXPECT_EQ(number(loss.clipped), golden["value_clipped"].get<double>());
  EXPECT_TRUE(close(torch::autograd::grad({loss.loss_sum}, {values})[0], tensor_of(golden["value_grad"]), 1e-12));
}

TEST(PpoValueLoss, GradientEqualsCentralDifferences) {
  const at::Tensor values = leaf(f64({2, 2, 1.2, -1, -1}));
  EXPECT_TRUE(testing::gradcheck(
      [](const Tensors& x) {
        return ppo_value_loss(x[0], f64({1, 1, 1, 1, 1}), f64({0, 3, 1, -3, 3}), 0.5).loss_sum;
      },
      {values}));
}

TEST(PpoLosses, RefuseShapesThatDoNotFit) {
  EXPECT_THROW(ppo_policy_loss(f32({1}), f32({1, 2}), f32({1}), {}), ShapeError);
  EXPECT_THROW(ppo_policy_loss(f32({1}), f32({1}), f32({1, 2}), {}), ShapeError);
  EXPECT_THROW(ppo_value_loss(f32({1}), f32({1}), f32({1}).view({1, 1}), 0.2), ShapeError);
}

TEST(ExplainedVariance, AgreesWithAHandCalculation) {
  // Returns 1, 2, 3, 6 have variance 3.5; the errors 0, 0, 0, 2 have mean 0.5 and variance (3·0.25 + 2.25)/4 = 0.75.
  EXPECT_NEAR(explained_variance(f32({1, 2, 3, 4}), f32({1, 2, 3, 6})).item<double>(), 1 - 0.75 / 3.5, 1e-12);
}

TEST(ExplainedVariance, IsOneForAPerfectAndZeroForAConstantPrediction) {
  EXPECT_DOUBLE_EQ(explained_variance(f32({1, 5, 2}), f32({1, 5, 2})).item<double>(), 1);
  EXPECT_NEAR(explained_variance(f32({4, 4, 4}), f32({1, 5, 2})).item<double>(), 0, 1e-12);
}

TEST(ExplainedVariance, IsNotANumberWithoutVariance) {
  EXPECT_TRUE(std::isnan(explained_variance(f32({1, 2}), f32({3, 3})).item<double>()));
  EXPECT_TRUE(std::isnan(explained_variance(f32({1}), f32({3})).item<double>()));
}

}  // namespace
}  // namespace rlhf
