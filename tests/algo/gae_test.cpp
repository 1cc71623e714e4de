#include "rlhf/algo/gae.h"

#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::normal;
using testing::tensor_of;

Segments segments_of(std::vector<std::int64_t> lengths) { return make_segments(lengths, at::kCPU); }

TEST(Gae, AgreesWithAHandCalculation) {
  // γ = 0.5, λ = 0.5, γλ = 0.25.
  // First sequence: r = 0, 0, 4 and V = 2, 4, 8.
  //   δ_2 = 4 + 0 − 8 = −4;    δ_1 = 0 + 0.5·8 − 4 = 0;  δ_0 = 0 + 0.5·4 − 2 = 0
  //   A_2 = −4;                A_1 = 0 + 0.25·(−4) = −1; A_0 = 0 + 0.25·(−1) = −0.25
  // Second sequence: r = 1, V = 3: A = 1 − 3 = −2.
  const auto found = compute_gae(f32({0, 0, 4, 1}), f32({2, 4, 8, 3}), segments_of({3, 1}), 0.5, 0.5);
  EXPECT_TRUE(close(found.advantages, f32({-0.25, -1, -4, -2}), 1e-6));
  EXPECT_TRUE(close(found.returns, f32({1.75, 3, 4, 1}), 1e-6));
  EXPECT_EQ(found.advantages.scalar_type(), at::kFloat);
}

TEST(Gae, AgreesWithTrlAndWithTheSumOfThePaper) {
  const auto golden = testing::read_golden("ppo/ppo.json");
  const auto found = compute_gae(tensor_of(golden["rewards"]), tensor_of(golden["old_values"]),
                                 segments_of(golden["lengths"]), golden["gamma"], golden["gae_lambda"]);
  EXPECT_TRUE(close(found.advantages, tensor_of(golden["advantages"]), 1e-12));
  EXPECT_TRUE(close(found.returns, tensor_of(golden["returns"]), 1e-12));
}

TEST(Gae, LambdaOneGivesDiscountedReturns) {
  const std::vector<double> rewards{1, -2, 0.5, 3, 7, -1};
  const Segments segments = segments_of({4, 2});
  const double gamma = 0.9;
  const auto found = compute_gae(f64({1, -2, 0.5, 3, 7, -1}), normal({6}, 1), segments, gamma, 1.0);
  std::vector<double> discounted(6);
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    double sum = 0;
    for (std::int64_t t = segments.offsets[i + 1] - 1; t >= segments.offsets[i]; --t) {
      discounted[t] = sum = rewards[t] + gamma * sum;
    }
  }
  EXPECT_TRUE(close(found.returns, at::tensor(discounted, at::kDouble), 1e-12));
}

TEST(Gae, LambdaZeroGivesTheOneStepError) {
  // r_t + 0.5·V_{t+1} − V_t
  const auto found = compute_gae(f64({1, 2, 3}), f64({4, 8, 16}), segments_of({3}), 0.5, 0.0);
  EXPECT_TRUE(close(found.advantages, f64({1, 2, -13}), 1e-12));
}

TEST(Gae, ASequenceAloneEqualsTheSequenceAmongOthers) {
  const std::vector<std::int64_t> lengths{2, 9, 1, 5};
  const at::Tensor rewards = normal({17}, 1, at::kFloat);
  const at::Tensor values = normal({17}, 2, at::kFloat);
  const auto together = compute_gae(rewards, values, segments_of(lengths), 0.97, 0.9);
  std::vector<at::Tensor> alone;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    const auto part = compute_gae(rewards.slice(0, begin, begin + length), values.slice(0, begin, begin + length),
                                  segments_of({length}), 0.97, 0.9);
    alone.push_back(part.advantages);
    begin += length;
  }
  EXPECT_TRUE(close(at::cat(alone), together.advantages, 0.0));
}

TEST(Gae, OfNothingIsEmpty) {
  EXPECT_EQ(compute_gae(f32({}), f32({}), segments_of({}), 1.0, 0.95).advantages.numel(), 0);
}

TEST(Gae, RecordsNoGradient) {
  const auto found = compute_gae(f64({1, 2}), testing::leaf(f64({3, 4})), segments_of({2}), 1.0, 0.95);
  EXPECT_FALSE(found.advantages.requires_grad() || found.returns.requires_grad());
}

TEST(Gae, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(compute_gae(f32({1, 2}), f32({1, 2, 3}), segments_of({3}), 1.0, 0.95), ShapeError);
  EXPECT_THROW(compute_gae(f32({1, 2, 3}), f32({1, 2, 3}), segments_of({2}), 1.0, 0.95), ShapeError);
}

}  // namespace
}  // namespace rlhf
