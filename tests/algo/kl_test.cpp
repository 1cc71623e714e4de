#include "rlhf/algo/kl.h"

#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::tensor_of;

Segments segments_of(std::vector<std::int64_t> lengths) { return make_segments(lengths, at::kCPU); }

TEST(KlK1, IsThePolicyLessTheReference) {
  EXPECT_TRUE(close(kl_k1(f32({-1, -3}), f32({-2, -2.5})), f32({1, -0.5}), 0));
  EXPECT_THROW(kl_k1(f32({1}), f32({1, 2})), ShapeError);
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
