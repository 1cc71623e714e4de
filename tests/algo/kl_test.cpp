#include "rlhf/algo/kl.h"

#include <cmath>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::leaf;
using testing::tensor_of;

Segments segments_of(std::vector<std::int64_t> lengths) { return make_segments(lengths, at::kCPU); }

TEST(KlK1, IsThePolicyLessTheReference) {
  EXPECT_TRUE(close(kl_k1(f32({-1, -3}), f32({-2, -2.5})), f32({1, -0.5}), 0));
  EXPECT_THROW(kl_k1(f32({1}), f32({1, 2})), ShapeError);
}

TEST(KlEstimate, AgreesWithAHandCalculation) {
  const at::Tensor logprobs = f64({-1, -3}), reference = f64({-2, -2.5});  // d = 1 and −0.5
  EXPECT_TRUE(close(kl_estimate(logprobs, reference, KlEstimator::k1), f64({1, -0.5}), 1e-12));
  EXPECT_TRUE(close(kl_estimate(logprobs, reference, KlEstimator::k2), f64({0.5, 0.125}), 1e-12));
  EXPECT_TRUE(
      close(kl_estimate(logprobs, reference, KlEstimator::k3), f64({std::exp(-1.0), std::exp(0.5) - 1.5}), 1e-12));
  EXPECT_THROW(kl_estimate(f32({1}), f32({1, 2}), KlEstimator::k2), ShapeError);
}

// Expectations over all tokens of a distribution, exactly: Σ_a π_a·k(a), and its gradient with the samples held fixed.
TEST(KlEstimate, HasTheExpectationAndTheGradientThatItsHeaderSays) {
  const at::Tensor logits = leaf(f64({0.8, -0.5, 0.1, -1.0}));
  const at::Tensor reference = at::log_softmax(f64({0.1, 0.4, -0.6, 0.2}), 0);
  const at::Tensor logprobs = at::log_softmax(logits, 0), p = logprobs.exp();
  const at::Tensor kl = p.mul(logprobs.sub(reference)).sum();                     // KL(π‖ref)
  const at::Tensor reverse = reference.exp().mul(reference.sub(logprobs)).sum();  // KL(ref‖π)
  const auto gradient = [&](const at::Tensor& value) {
    return torch::autograd::grad({value}, {logits}, {}, /*retain_graph=*/true)[0];
  };
  const auto expectation = [&](KlEstimator estimator) {
    return p.detach().mul(kl_estimate(logprobs, reference, estimator)).sum();
  };
  for (const KlEstimator unbiased : {KlEstimator::k1, KlEstimator::k3})
    EXPECT_NEAR(expectation(unbiased).item<double>(), kl.item<double>(), 1e-12);
  EXPECT_TRUE(close(gradient(expectation(KlEstimator::k1)), at::zeros({4}, at::kDouble), 1e-12));
  EXPECT_TRUE(close(gradient(expectation(KlEstimator::k2)), gradient(kl), 1e-12));
  EXPECT_TRUE(close(gradient(expectation(KlEstimator::k3)), gradient(reverse), 1e-12));
}

TEST(TokenRewards, AgreeWithAHandCalculation) {
  // −0.5·kl everywhere, and the scores 10 and 20 on the tokens 2 and 3.
  EXPECT_TRUE(
      close(token_rewards(f32({1, 2, 3, 4}), f32({10, 20}), segments_of({3, 1}), 0.5), f32({-0.5, -1, 8.5, 18}), 1e-6));
}

TEST(TokenRewards, AgreeWithTrl) {
  const auto golden = testing::read_golden("ppo/ppo.json");
  const at::Tensor kl = kl_k1(tensor_of(golden["old_logprobs"]), tensor_of(golden["ref_logprobs"]));
  EXPECT_TRUE(close(kl, tensor_of(golden["kl"]), 1e-12));
  const at::Tensor rewards =
      token_rewards(kl, tensor_of(golden["scores"]), segments_of(golden["lengths"]), golden["kl_coef"]);
  EXPECT_EQ(rewards.scalar_type(), at::kFloat);
  EXPECT_TRUE(close(rewards, tensor_of(golden["rewards"]), 1e-6));
}

TEST(TokenRewards, LeaveTheirInputsAlone) {
  const at::Tensor kl = f32({1, 2});
  token_rewards(kl, f32({5}), segments_of({2}), 1.0);
  EXPECT_TRUE(close(kl, f32({1, 2}), 0));
}

TEST(TokenRewards, RefuseShapesThatDoNotFitAndEmptySequences) {
  EXPECT_THROW(token_rewards(f32({1, 2}), f32({5, 5}), segments_of({2}), 1.0), ShapeError);
  EXPECT_THROW(token_rewards(f32({1}), f32({5}), segments_of({2}), 1.0), ShapeError);
  EXPECT_THROW(token_rewards(f32({1, 2}), f32({5, 5}), segments_of({2, 0}), 1.0), ShapeError);
}

TEST(AdaptKlCoef, AgreesWithAHandCalculation) {
  // kl 6.6 at a target of 6: e = 0.1, so β grows by 0.1·64/10000 of itself.
  EXPECT_NEAR(adapt_kl_coef(0.05, 6.6, 6.0, 64, 10'000), 0.05 * (1 + 0.00064), 1e-15);
  EXPECT_NEAR(adapt_kl_coef(0.05, 5.4, 6.0, 64, 10'000), 0.05 * (1 - 0.00064), 1e-15);
  EXPECT_DOUBLE_EQ(adapt_kl_coef(0.05, 6.0, 6.0, 64, 10'000), 0.05);
}

TEST(AdaptKlCoef, ClipsTheErrorAtAFifth) {
  EXPECT_NEAR(adapt_kl_coef(0.05, 600.0, 6.0, 100, 1'000), 0.05 * 1.02, 1e-15);
  EXPECT_NEAR(adapt_kl_coef(0.05, -600.0, 6.0, 100, 1'000), 0.05 * 0.98, 1e-15);
}

}  // namespace
}  // namespace rlhf
