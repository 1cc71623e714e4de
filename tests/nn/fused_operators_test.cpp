#include <complex>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "nn/embedding.h"
#include "nn/rms_norm.h"
#include "nn/rotary.h"
#include "nn/split_heads.h"
#include "nn/swiglu.h"
#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::relative_difference;

/// The formula in separate operators, as Hugging Face's LlamaRMSNorm spells it.
at::Tensor plain_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  const at::Tensor normed = wide.mul(at::rsqrt(wide.pow(2).mean(-1, /*keepdim=*/true).add(eps)));
  return weight.mul(normed.to(x.scalar_type()));
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return add_rms_norm(x, /*delta=*/{}, weight, eps).norm;
}

TEST(RmsNorm, EqualsThePlainFormulaForwardAndBackward) {
  // 37 is no multiple of the kernel's lanes; 700 rows are shared by the threads.
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kDouble, 1e-13}, std::pair{at::kFloat, 1e-6}, std::pair{at::kBFloat16, 1e-2}}) {
    const at::Tensor values = at::randn({700, 37}).to(dtype), gains = at::randn({37}).to(dtype);
    const at::Tensor above = at::randn({700, 37}).to(dtype);
    const auto gradients_of = [&](const auto& norm) {
      const at::Tensor x = values.clone().set_requires_grad(true), weight = gains.clone().set_requires_grad(true);
      const at::Tensor y = norm(x, weight, 0.3);
      y.backward(above);
      return std::vector<at::Tensor>{y, x.grad(), weight.grad()};
    };
    const auto fused = gradients_of(rms_norm), plain = gradients_of(plain_rms_norm);
    for (std::size_t i = 0; i < fused.size(); ++i) {
      EXPECT_LT(relative_difference(fused[i], plain[i]), tolerance) << at::toString(dtype) << " " << i;
    }
    EXPECT_EQ(fused[2].scalar_type(), dtype);
  }
}

TEST(RmsNorm, SumAndNormBothPassTheirGradientsOn) {
  for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-6}, std::pair{at::kBFloat16, 2e-2}}) {
    const at::Tensor values = at::randn({90, 37}).to(dtype), addend = at::randn({90, 37}).to(dtype);
    const at::Tensor gains = at::randn({37}).to(dtype), above = at::randn({90, 37}).to(dtype);
    const auto gradients_of = [&](const auto& norm) {
      const at::Tensor x = values.clone().set_requires_grad(true), delta = addend.clone().set_requires_grad(true);
      const SumAndNorm result = norm(x, delta, gains);
      result.norm.add(result.sum.mul(0.5)).backward(above);
      return std::vector<at::Tensor>{result.sum, result.norm, x.grad(), delta.grad()};
    };
    const auto fused = gradients_of(
        [](const auto& x, const auto& delta, const auto& weight) { return add_rms_norm(x, delta, weight, 0.3); });
    const auto plain = gradients_of([](const auto& x, const auto& delta, const auto& weight) {
      return SumAndNorm{x.add(delta), plain_rms_norm(x.add(delta), weight, 0.3)};
    });
    for (std::size_t i = 0; i < fused.size(); ++i) {
      EXPECT_LT(relative_difference(fused[i], plain[i]), tolerance) << at::toString(dtype) << " " << i;
    }
  }
}

TEST(Swiglu, EqualsSeparateOperatorsForwardAndBackward) {
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kDouble, 1e-13}, std::pair{at::kFloat, 1e-6}, std::pair{at::kBFloat16, 2e-2}}) {
    const at::Tensor values = at::randn({70, 46}).to(dtype), above = at::randn({70, 23}).to(dtype);
    const at::Tensor x = values.clone().set_requires_grad(true), same = values.clone().set_requires_grad(true);
    const at::Tensor fused = swiglu(x), plain = at::silu(same.narrow(1, 0, 23)).mul(same.narrow(1, 23, 23));
    fused.backward(above);
    plain.backward(above);
    EXPECT_LT(relative_difference(fused, plain), tolerance) << at::toString(dtype);
    EXPECT_LT(relative_difference(x.grad(), same.grad()), tolerance) << at::toString(dtype);
  }
}

TEST(RmsNorm, GivesTheHandCalculation) {
  // mean(3², 4²) = 12.5, plus eps 12.5 = 25, root 5: (3/5, 4/5) · (10, −1) = (6, −0.8).
  const at::Tensor y =
      rms_norm(at::tensor({3.0, 4.0}, at::kDouble).view({1, 2}), at::tensor({10.0, -1.0}, at::kDouble), 12.5);
  EXPECT_NEAR(y[0][0].item<double>(), 6.0, 1e-12);
  EXPECT_NEAR(y[0][1].item<double>(), -0.8, 1e-12);
}

TEST(Embedding, GradientOfAFrequentTokenAddsUpInBfloat16) {
  // 1000 ones: bfloat16 holds 1000 exactly, but a sum kept in bfloat16 stops at 256, where adding 1 changes nothing.
  const at::Tensor weight = at::zeros({3, 2}, at::kBFloat16).set_requires_grad(true);
  embed(weight, at::ones({1000}, at::kLong)).sum().backward();
  EXPECT_EQ(weight.grad()[1][0].item<float>(), 1000.0f);
  EXPECT_EQ(weight.grad()[0][0].item<float>(), 0.0f);
}

RotaryTable table_of(const at::Tensor& positions, const Rotary& rotary) {
  return make_rotary_table(positions, rotary_frequencies(rotary, at::kCPU), rotary);
}

TEST(Rotary, FusedRowsEqualSeparateHeads) {
  const AttentionHeads heads{4, 2, 6};
  const RotaryTable table =
      table_of(at::arange(50, at::kLong), {.theta = 100.0, .width = heads.width, .magnitude = 1.25});
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kDouble, 1e-7}, std::pair{at::kFloat, 1e-6}, std::pair{at::kBFloat16, 1e-2}}) {
    const at::Tensor values = at::randn({50, heads.row()}).to(dtype), above = at::randn({50, heads.row()}).to(dtype);
    const at::Tensor x = values.clone().set_requires_grad(true), same = values.clone().set_requires_grad(true);
    // times 1: the rotation writes into its input, which must be the product of an operator
    const at::Tensor fused = rotate_heads(x.mul(1), heads, table);
    const auto [q, k, v] = split_heads(same, heads);
    const at::Tensor plain = at::cat({rotate(q, table), rotate(k, table), v}, 1).flatten(1);
    fused.backward(above.clone());
    plain.backward(above);
    EXPECT_LT(relative_difference(fused, plain), tolerance) << at::toString(dtype);
    EXPECT_LT(relative_difference(x.grad(), same.grad()), tolerance) << at::toString(dtype);
  }
}

TEST(Rotary, TurnsPairsAsComplexNumbers) {
  constexpr std::int64_t kWidth = 6;
  constexpr double kTheta = 100.0, kMagnitude = 1.25;
  const at::Tensor positions = at::tensor({0, 1, 9}, at::kLong);
  const at::Tensor x = at::randn({3, 2, kWidth}, at::kDouble);
  const at::Tensor y = rotate(x, table_of(positions, {.theta = kTheta, .width = kWidth, .magnitude = kMagnitude}));
  for (std::int64_t n = 0; n < 3; ++n) {
    for (std::int64_t head = 0; head < 2; ++head) {
      for (std::int64_t i = 0; i < kWidth / 2; ++i) {
        const double angle = positions[n].item<double>() * std::pow(kTheta, -2.0 * static_cast<double>(i) / kWidth);
        const std::complex<double> before(x[n][head][i].item<double>(), x[n][head][i + kWidth / 2].item<double>());
        const std::complex<double> turned = before * std::polar(kMagnitude, angle);
        EXPECT_NEAR(y[n][head][i].item<double>(), turned.real(), 1e-5);
        EXPECT_NEAR(y[n][head][i + kWidth / 2].item<double>(), turned.imag(), 1e-5);
      }
    }
  }
}

TEST(Rotary, BackwardIsTheTranspose) {
  // For a linear map ⟨Rx, g⟩ = ⟨x, Rᵀg⟩, whatever x and g are.
  const RotaryTable table = table_of(at::arange(40, at::kLong), {.width = 8});
  const at::Tensor x = at::randn({40, 3, 8}, at::kDouble).set_requires_grad(true);
  const at::Tensor above = at::randn({40, 3, 8}, at::kDouble);
  const at::Tensor y = rotate(x, table);
  y.backward(above);
  EXPECT_NEAR(y.detach().mul(above).sum().item<double>(), x.detach().mul(x.grad()).sum().item<double>(), 1e-9);
  EXPECT_GT(relative_difference(x.grad(), above), 0.1);
}

}  // namespace
}  // namespace rlhf
