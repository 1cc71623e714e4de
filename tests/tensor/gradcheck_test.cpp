#include "support/gradcheck.h"

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/custom_function.h>

#include "support/tensors.h"

namespace rlhf::testing {
namespace {

/// Σ x³ with a gradient of scale·3x² + shift: right for scale 1 and shift 0 only.
struct Cube : torch::autograd::Function<Cube> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, double scale, double shift) {
    ctx->save_for_backward({x});
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["shift"] = shift;
    return x.pow(3).sum();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const at::Tensor x = ctx->get_saved_variables()[0];
    const double scale = ctx->saved_data["scale"].toDouble();
    const double shift = ctx->saved_data["shift"].toDouble();
    return {x.square().mul(3 * scale).add(shift).mul(grads[0]), at::Tensor(), at::Tensor()};
  }
};

bool passes(double scale, double shift) {
  const Tensors inputs{leaf(f64({0.3, -1.2, 2.0}))};
  return bool(gradcheck([&](const Tensors& x) { return Cube::apply(x[0], scale, shift); }, inputs));
}

TEST(Gradcheck, PassesForARightGradient) { EXPECT_TRUE(passes(1.0, 0.0)); }
TEST(Gradcheck, FailsForAWrongSign) { EXPECT_FALSE(passes(-1.0, 0.0)); }
TEST(Gradcheck, FailsForAWrongScale) { EXPECT_FALSE(passes(1.001, 0.0)); }
TEST(Gradcheck, FailsForAShift) { EXPECT_FALSE(passes(1.0, 1e-3)); }
TEST(Gradcheck, FailsForANan) { EXPECT_FALSE(passes(std::nan(""), 0.0)); }

TEST(Gradcheck, LeavesTheInputsAsTheyWere) {
  const Tensors inputs{leaf(f64({0.3, -1.2, 2.0}))};
  ASSERT_TRUE(gradcheck([](const Tensors& x) { return x[0].pow(3).sum(); }, inputs));
  EXPECT_TRUE(close(inputs[0], f64({0.3, -1.2, 2.0}), 0.0));
}

TEST(Close, FailsForAWrongSignScaleOrShape) {
  EXPECT_TRUE(close(f64({1, 2}), f64({1, 2.1}), 0.11));
  EXPECT_FALSE(close(f64({1, 2}), f64({1, 2.1}), 0.09));
  EXPECT_FALSE(close(f64({1, -2}), f64({1, 2}), 0.1));
  EXPECT_FALSE(close(f64({1}), f64({1, 1}), 0.1));
  EXPECT_FALSE(close(f64({std::nan("")}), f64({0}), 0.1));
}

}  // namespace
}  // namespace rlhf::testing
