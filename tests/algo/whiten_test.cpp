#include "rlhf/algo/whiten.h"

#include <cmath>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "support/golden.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::normal;
using testing::tensor_of;

/// Whether `values` have mean 0 and biased variance 1.
bool is_white(const at::Tensor& values) {
  const at::Tensor wide = values.to(at::kDouble);
  return std::abs(wide.mean().item<double>()) < 1e-6 && std::abs(wide.var(false).item<double>() - 1) < 1e-4;
}

TEST(IsWhite, FailsForAWrongScaleOrShift) {
  const at::Tensor white = f64({-1, 1, -1, 1});
  EXPECT_TRUE(is_white(white));
  EXPECT_FALSE(is_white(white.mul(1.01)));
  EXPECT_FALSE(is_white(white.add(0.01)));
}

TEST(Whiten, AgreesWithAHandCalculation) {
  // 1, 2, 3, 6: mean 3, deviations −2, −1, 0, 3, biased variance (4 + 1 + 0 + 9)/4 = 3.5.
  const at::Tensor values = f64({1, 2, 3, 6});
  const Moments moments = compute_moments(values);
  EXPECT_EQ(moments.count().item<double>(), 4);
  EXPECT_DOUBLE_EQ(moments.mean().item<double>(), 3);
  EXPECT_DOUBLE_EQ(moments.variance().item<double>(), 3.5);
  const double scale = 1 / std::sqrt(3.5 + 1e-8);
  EXPECT_TRUE(close(whiten(values, moments, true), f64({-2 * scale, -scale, 0, 3 * scale}), 1e-12));
  EXPECT_TRUE(close(whiten(values, moments, false), f64({3 - 2 * scale, 3 - scale, 3, 3 + 3 * scale}), 1e-12));
}

TEST(Whiten, AgreesWithTrl) {
  const auto golden = testing::read_golden("ppo/ppo.json");
  const at::Tensor advantages = tensor_of(golden["advantages"]);
  const Moments moments = compute_moments(advantages);
  EXPECT_TRUE(close(whiten(advantages, moments, true), tensor_of(golden["whitened"]), 1e-12));
  EXPECT_TRUE(close(whiten(advantages, moments, false), tensor_of(golden["whitened_keeping_mean"]), 1e-12));
}

TEST(Whiten, GivesMeanZeroAndVarianceOneAndKeepsTheOrder) {
  const at::Tensor values = normal({1000}, 1, at::kFloat).mul(5).add(300);
  const at::Tensor white = whiten(values, compute_moments(values), true);
  EXPECT_TRUE(is_white(white));
  EXPECT_EQ(white.scalar_type(), at::kFloat);
  EXPECT_TRUE(close(white.argsort(), values.argsort(), 0));
}

TEST(Whiten, MomentsOfPartsAddUpToThoseOfTheWhole) {
  const at::Tensor values = normal({101}, 2);
  const Moments whole = compute_moments(values);
  const Moments sum = compute_moments(values.slice(0, 0, 7)) + compute_moments(values.slice(0, 7));
  EXPECT_EQ(sum.count().item<double>(), 101);
  EXPECT_NEAR(sum.mean().item<double>(), whole.mean().item<double>(), 1e-14);
  EXPECT_NEAR(sum.variance().item<double>(), whole.variance().item<double>(), 1e-13);
}

TEST(Whiten, OfEqualNumbersIsFiniteAndOfOneNumberUnchanged) {
  const at::Tensor equal = f32({4, 4, 4});
  EXPECT_TRUE(close(whiten(equal, compute_moments(equal), true), f32({0, 0, 0}), 0));
  EXPECT_TRUE(close(whiten(f32({7}), compute_moments(f32({7})), true), f32({7}), 0));
  EXPECT_EQ(compute_moments(f32({})).variance().item<double>(), 0);
  EXPECT_EQ(compute_moments(f32({})).mean().item<double>(), 0);
}

}  // namespace
}  // namespace rlhf
