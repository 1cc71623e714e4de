#include "rlhf/tensor/low_rank.h"

#include <vector>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/linear.h"

#include "support/gradcheck.h"
#include "support/misuse.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::expect_misuse;
using testing::leaf;
using testing::normal;

constexpr std::int64_t kWidth = 6, kRank = 2, kRows = 9;

/// Rows 1..3 and 5..8 of a weight of 9 rows have adapters.
LowRank make_update(at::ScalarType dtype = at::kDouble) {
  return {.a = leaf(normal({2 * kRank, kWidth}, 1, dtype)),
          .b = leaf(normal({7, kRank}, 2, dtype)),
          .blocks = {{1, 3}, {5, 4}},
          .scale = 1.5};
}

/// scale · B·A of each block in its rows, 0 elsewhere.
at::Tensor dense(const LowRank& update) {
  const auto block = [&](std::int64_t first, std::int64_t rows, std::int64_t number) {
    return at::matmul(update.b.narrow(0, first, rows), update.a.narrow(0, number * kRank, kRank)).mul(update.scale);
  };
  const at::Tensor gap = at::zeros({1, kWidth}, update.a.options().requires_grad(false));
  return at::cat({gap, block(0, 3, 0), gap, block(3, 4, 1)});
}

TEST(LowRank, IsTheLinearLayerWithTheDenseUpdate) {
  const LowRank update = make_update();
  const at::Tensor weight = normal({kRows, kWidth}, 3, at::kDouble), bias = normal({kRows}, 4, at::kDouble);
  for (const std::int64_t rows : {1, 7, 100}) {
    const at::Tensor x = normal({rows, kWidth}, 5, at::kDouble);
    const at::Tensor expected = at::matmul(x, weight.add(dense(update)).t()).add(bias);
    EXPECT_TRUE(close(apply_linear(x, weight, bias, update), expected, 1e-12)) << rows;
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(close(apply_linear(x, weight, bias, update), expected, 1e-12)) << rows;
  }
}

TEST(LowRank, FewRowsInFloat32AndBfloat16StayCloseToIt) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] : {std::pair(at::kFloat, 1e-4), {at::kBFloat16, 0.3}}) {
    const LowRank update = make_update(dtype);
    const at::Tensor weight = normal({kRows, kWidth}, 3, dtype), x = normal({3, kWidth}, 5, dtype);
    LowRank wide = update;
    wide.a = update.a.to(at::kDouble);
    wide.b = update.b.to(at::kDouble);
    const at::Tensor expected = at::matmul(x.to(at::kDouble), weight.to(at::kDouble).add(dense(wide)).t());
    EXPECT_TRUE(close(apply_linear(x, weight, {}, update), expected, tolerance));
  }
}

TEST(LowRank, GradientsEqualCentralDifferences) {
  const LowRank update = make_update();
  const at::Tensor weight = normal({kRows, kWidth}, 3, at::kDouble), above = normal({4, kRows}, 6, at::kDouble);
  const testing::Tensors inputs{leaf(normal({4, kWidth}, 5, at::kDouble)), update.a, update.b};
  EXPECT_TRUE(testing::gradcheck(
      [&](const testing::Tensors& in) {
        LowRank now = update;
        now.a = in[1];
        now.b = in[2];
        return apply_linear(in[0], weight, {}, now).mul(above).sum();
      },
      inputs));
}

TEST(LowRank, AddsToAnOptimizersSumInFloat32) {
  const LowRank update = make_update(at::kFloat);
  const at::Tensor weight = normal({kRows, kWidth}, 3, at::kFloat), x = normal({4, kWidth}, 5, at::kFloat);
  apply_linear(x, weight, {}, update).sum().backward();
  const at::Tensor once_a = update.a.grad().clone(), once_b = update.b.grad().clone();
  update.a.mutable_grad() = at::zeros_like(once_a);
  update.b.mutable_grad() = at::zeros_like(once_b);
  for (int i = 0; i < 2; ++i) apply_linear(x, weight, {}, update).sum().backward();
  EXPECT_TRUE(close(update.a.grad(), once_a.mul(2), 1e-4));
  EXPECT_TRUE(close(update.b.grad(), once_b.mul(2), 1e-4));
}

TEST(LowRank, DropoutKeepsTheMeanAndItsGradientUsesTheSameInputs) {
  LowRank update = make_update();
  update.dropout = 0.25;
  const at::Tensor weight = at::zeros({kRows, kWidth}, at::kDouble);
  const at::Tensor x = normal({1, kWidth}, 5, at::kDouble).expand({40000, kWidth}).contiguous();
  at::manual_seed(1);
  const at::Tensor y = apply_linear(x, weight, {}, update);
  const at::Tensor expected = at::matmul(x.narrow(0, 0, 1), dense(update).t());
  EXPECT_TRUE(close(y.mean(0, true), expected, 0.1));  // its standard error is about 0.02
  EXPECT_FALSE(close(y.narrow(0, 0, 1), expected, 1e-6));
  // y is linear in B, so Σ y = ⟨B, ∂Σy/∂B⟩ if and only if the gradient has the same dropped inputs.
  y.sum().backward();
  EXPECT_NEAR(update.b.mul(update.b.grad()).sum().item<double>(), y.sum().item<double>(), 1e-6);
  EXPECT_NEAR(update.a.mul(update.a.grad()).sum().item<double>(), y.sum().item<double>(), 1e-6);
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(close(apply_linear(x.narrow(0, 0, 1), weight, {}, update), expected, 1e-12));  // without gradients: none
}

TEST(LowRank, RefusesWhatDoesNotFit) {
  const at::Tensor weight = normal({kRows, kWidth}, 3, at::kDouble), x = normal({4, kWidth}, 5, at::kDouble);
  const auto call = [&](const LowRank& update) { return [=] { apply_linear(x, weight, {}, update); }; };
  LowRank update = make_update();
  update.blocks = {{1, 3}};
  expect_misuse<ShapeError>("b: expected [3, any], found [7, 2]", call(update));
  update = make_update();
  update.blocks = {{1, 3}, {6, 4}};
  expect_misuse<ArgumentError>("blocks", call(update));
  update = make_update();
  update.dropout = 1;
  expect_misuse<ArgumentError>("dropout", call(update));
  update = make_update(at::kFloat);
  expect_misuse<ShapeError>("a: expected Double, found Float", call(update));
  expect_misuse<ArgumentError>("weight: expected a frozen weight",
                               [&] { apply_linear(x, leaf(weight.clone()), {}, make_update()); });
}

}  // namespace
}  // namespace rlhf
