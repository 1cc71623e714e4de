#include "rlhf/nn/optimizer.h"

#include <cmath>
#include <limits>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/logspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/io/checkpoint.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::golden;
using testing::largest_difference;
using testing::relative_difference;

constexpr double kRates[] = {1e-2, 8e-3, 6e-3, 4e-3, 2e-3};  // of tests/golden/adamw

at::Generator seeded(std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return generator;
}

Parameters golden_parameters(const SafetensorsFile& file) {
  return {{"matrix", file.tensor("start.matrix").clone().set_requires_grad(true), true},
          {"norm", file.tensor("start.norm").clone().set_requires_grad(true), false}};
}

void check_against_golden(const std::string& name, double max_grad_norm) {
  const SafetensorsFile file(golden("adamw/adamw.safetensors"));
  const Parameters parameters = golden_parameters(file);
  TrainedWeights weights(parameters);
  AdamW optimizer(weights, {.betas = {0.9, 0.95}, .eps = 1e-8, .weight_decay = 0.1, .max_grad_norm = max_grad_norm});
  for (int step = 0; step < 5; ++step) {
    weights.zero_gradients();
    for (const Parameter& parameter : parameters) {
      parameter.value.mul(file.tensor("gradients." + parameter.name)[step]).sum().backward();
    }
    const at::Tensor norm = optimizer.step(kRates[step]);
    EXPECT_NEAR(norm.item<double>() / file.tensor(name + ".norms")[step].item<double>(), 1.0, 1e-6) << step;
  }
  for (const Parameter& parameter : parameters) {
    EXPECT_LT(relative_difference(parameter.value, file.tensor(name + "." + parameter.name)), 1e-6) << parameter.name;
    // The whole way, not the weights: most of a weight is where it started.
    const at::Tensor start = file.tensor("start." + parameter.name);
    EXPECT_LT(relative_difference(parameter.value.sub(start), file.tensor(name + "." + parameter.name).sub(start)),
              2e-5);
  }
}

TEST(AdamW, FiveStepsEqualTorchOptim) { check_against_golden("plain", 0.0); }
TEST(AdamW, ClippedStepsEqualTorchOptimAfterClipGradNorm) { check_against_golden("clipped", 1.0); }

// The golden's matrix and norm, each as a model of its own: torch.optim clips them by their common norm.
TEST(AdamW, TwoModelsThatAreClippedTogetherStepAsOne) {
  const SafetensorsFile file(golden("adamw/adamw.safetensors"));
  const Parameters parameters = golden_parameters(file);
  TrainedWeights matrix({parameters[0]}), norm({parameters[1]});
  const OptimizerOptions options{.betas = {0.9, 0.95}, .eps = 1e-8, .weight_decay = 0.1, .max_grad_norm = 1.0};
  AdamW matrix_optimizer(matrix, options), norm_optimizer(norm, options);
  for (int step = 0; step < 5; ++step) {
    matrix.zero_gradients();
    norm.zero_gradients();
    for (const Parameter& parameter : parameters)
      parameter.value.mul(file.tensor("gradients." + parameter.name)[step]).sum().backward();
    const auto norms = clip_together(matrix, norm, {matrix_optimizer.sum_of_squares(), norm_optimizer.sum_of_squares()},
                                     options.max_grad_norm);
    const double both = std::hypot(norms[0].item<double>(), norms[1].item<double>());
    EXPECT_NEAR(both / file.tensor("clipped.norms")[step].item<double>(), 1.0, 1e-6) << step;
    matrix_optimizer.step(kRates[step]);
    norm_optimizer.step(kRates[step]);
  }
  for (const Parameter& parameter : parameters)
    EXPECT_LT(relative_difference(parameter.value, file.tensor("clipped." + parameter.name)), 1e-6) << parameter.name;
}

// 3 and 4 have the norm 5. Without a limit nothing changes, and one that is not finite spoils both.
TEST(ClipTogether, KeepsTheDirectionOfBoth) {
  const Parameters first = {{"a", at::ones({1}).set_requires_grad(true), true}};
  const Parameters second = {{"b", at::ones({1}).set_requires_grad(true), true}};
  TrainedWeights a(first), b(second);
  const AdamW a_optimizer(a, {}), b_optimizer(b, {});
  const auto clipped = [&](double gradient_of_b, double limit) {
    a.weights()[0].gradient.fill_(3);
    b.weights()[0].gradient.fill_(gradient_of_b);
    clip_together(a, b, {a_optimizer.sum_of_squares(), b_optimizer.sum_of_squares()}, limit);
    return std::vector<double>{a.weights()[0].gradient.item<double>(), b.weights()[0].gradient.item<double>()};
  };
  EXPECT_NEAR(clipped(4, 1)[0], 0.6, 1e-6);
  EXPECT_NEAR(clipped(4, 1)[1], 0.8, 1e-6);
  EXPECT_EQ(clipped(4, 0), (std::vector<double>{3, 4}));
  EXPECT_EQ(clipped(4, 6), (std::vector<double>{3, 4}));
  for (const double limit : {0.0, 1.0})
    for (const double gradient : clipped(std::numeric_limits<double>::infinity(), limit))
      EXPECT_TRUE(std::isnan(gradient)) << limit;
}

Parameters one_bfloat16_weight() { return {{"w", at::ones({8}, at::kBFloat16).set_requires_grad(true), true}}; }

TEST(AdamW, Bfloat16MastersMoveWhereBfloat16StepsWouldRoundAway) {
  // A constant gradient makes every step of Adam lr long: 1 − 100 · 1e-4 = 0.99. One step is far below half the
  // distance of neighbouring bfloat16 numbers below 1, 2⁻⁹.
  const Parameters parameters = one_bfloat16_weight();
  TrainedWeights weights(parameters);
  AdamW optimizer(weights, {.max_grad_norm = 0.0});
  for (int step = 0; step < 100; ++step) {
    weights.zero_gradients();
    parameters[0].value.sum().backward();
    optimizer.step(1e-4);
  }
  EXPECT_NEAR(testing::tensors_of(weights.file_tensors())[0].second[0].item<double>(), 0.99, 1e-5);
  EXPECT_EQ(parameters[0].value.scalar_type(), at::kBFloat16);
  EXPECT_NEAR(parameters[0].value[0].item<double>(), 0.99, 1.0 / 512);
}

TEST(AdamW, GradientsOfBfloat16WeightsAddUpInFloat32) {
  // 300 gradients of 1: bfloat16 stops at 256, where 256 + 1 rounds back.
  const Parameters parameters = one_bfloat16_weight();
  TrainedWeights weights(parameters);
  AdamW optimizer(weights, {.max_grad_norm = 0.0});
  for (int i = 0; i < 300; ++i) parameters[0].value.sum().backward();
  EXPECT_NEAR(optimizer.step(1e-4).item<double>(), 300.0 * std::sqrt(8.0), 1e-3);
}

TEST(AdamW, NonFiniteNormSkipsTheUpdateAndLeavesNoTrace) {
  for (const double max_grad_norm : {0.0, 1.0}) {
    const SafetensorsFile file(golden("adamw/adamw.safetensors"));
    const Parameters spoilt = golden_parameters(file), clean = golden_parameters(file);
    const OptimizerOptions options{.max_grad_norm = max_grad_norm};
    TrainedWeights spoilt_weights(spoilt), clean_weights(clean);
    AdamW spoilt_optimizer(spoilt_weights, options), clean_optimizer(clean_weights, options);
    const auto train = [&](AdamW& optimizer, const Parameters& parameters, float factor) {
      optimizer.weights().zero_gradients();
      for (const Parameter& parameter : parameters) parameter.value.mul(parameter.value).sum().mul(factor).backward();
      return optimizer.step(1e-2).item<double>();
    };
    EXPECT_FALSE(std::isfinite(train(spoilt_optimizer, spoilt, std::numeric_limits<float>::quiet_NaN())));
    EXPECT_EQ(largest_difference(spoilt[0].value, clean[0].value), 0.0);
    for (int step = 0; step < 2; ++step) {
      EXPECT_TRUE(std::isfinite(train(spoilt_optimizer, spoilt, 1.0F)));
      train(clean_optimizer, clean, 1.0F);
    }
    EXPECT_EQ(largest_difference(spoilt[0].value, clean[0].value), 0.0);
    EXPECT_GT(largest_difference(spoilt[0].value, file.tensor("start.matrix")), 1e-3);
  }
}

TEST(AdamW, RestoredStateGoesOnWithTheSameBits) {
  const auto train = [](AdamW& optimizer, const Parameters& parameters) {
    optimizer.weights().zero_gradients();
    parameters[0].value.pow(3).sum().backward();
    optimizer.step(3e-2);
  };
  const Parameters straight = one_bfloat16_weight(), resumed = one_bfloat16_weight();
  TrainedWeights straight_weights(straight), resumed_weights(resumed);
  AdamW first(straight_weights, {.weight_decay = 0.1}), second(resumed_weights, {.weight_decay = 0.1});
  for (int step = 0; step < 3; ++step) train(first, straight);
  const testing::TemporaryFolder folder;
  write_safetensors(folder.path() / "state.safetensors", first.state());
  restore_tensors(SafetensorsFile(folder.path() / "state.safetensors"), second.state(), "optimizer");
  resumed_weights.write_leaves();
  EXPECT_EQ(largest_difference(straight[0].value, resumed[0].value), 0.0);
  train(first, straight);
  train(second, resumed);
  EXPECT_EQ(largest_difference(straight_weights.weights()[0].master, resumed_weights.weights()[0].master), 0.0);
}

/// Minimises Σ a_i (w_i − t_i)² with gradient noise, with curvatures over four decades; returns Σ a_i (w_i − t_i)².
double minimise(MomentDtype moments, at::ScalarType leaf) {
  const at::Tensor t = at::linspace(-1, 1, 1000),
                   a = at::logspace(-2, 2, 1000).index_select(0, at::randperm(1000, seeded(1)));
  const Parameters parameters = {{"w", at::zeros({1000}, leaf).set_requires_grad(true), true}};
  TrainedWeights weights(parameters);
  AdamW optimizer(weights, {.betas = {0.9, 0.99}, .max_grad_norm = 0, .moments = moments});
  const at::Generator noise = seeded(2);
  for (int step = 0; step < 400; ++step) {
    weights.zero_gradients();
    const at::Tensor w = parameters[0].value;
    w.to(at::kFloat).sub(t).square().mul(a).sum().backward();
    weights.gradients().narrow(0, 0, 1000).add_(at::randn({1000}, noise).mul(0.1));
    optimizer.step(2e-2 * (1 - step / 400.0));
  }
  return weights.weights()[0].master.sub(t).square().mul(a).sum().item<double>();
}

TEST(AdamW, WithMomentsInBytesFindsTheSameMinimum) {
  const double exact = minimise(MomentDtype::float32, at::kFloat);
  EXPECT_LT(exact, 0.2);
  EXPECT_NEAR(minimise(MomentDtype::int8, at::kFloat), exact, 0.25 * exact);
  EXPECT_NEAR(minimise(MomentDtype::int8, at::kHalf), exact, 0.25 * exact);  // by LibTorch's operators
}

TEST(AdamW, MomentsInBytesByOperatorsAreThoseOfTheKernel) {
  const Parameters fused = {{"w", at::ones({700}, at::kFloat).set_requires_grad(true), true}};
  const Parameters plain = {{"w", at::ones({700}, at::kDouble).set_requires_grad(true), true}};
  TrainedWeights fused_weights(fused), plain_weights(plain);
  const OptimizerOptions options{.weight_decay = 0.1, .moments = MomentDtype::int8};
  AdamW first(fused_weights, options), second(plain_weights, options);
  const at::Generator generator = seeded(3);
  for (int step = 0; step < 3; ++step) {
    const at::Tensor gradient = at::randn({700}, generator);
    fused_weights.gradients().narrow(0, 0, 700).copy_(gradient);
    plain_weights.gradients().narrow(0, 0, 700).copy_(gradient);
    first.step(1e-2);
    second.step(1e-2);
  }
  const NamedTensors ours = first.state(), theirs = second.state();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(ours[i].first, theirs[i].first);
    const at::Tensor difference = ours[i].second.to(at::kFloat).sub(theirs[i].second.to(at::kFloat)).abs();
    const bool codes = ours[i].second.scalar_type() == at::kChar || ours[i].second.scalar_type() == at::kByte;
    if (codes) {  // another rounding of √x or of the division may give the neighbouring code
      EXPECT_LE(difference.max().item<double>(), 1) << ours[i].first;
      EXPECT_LT(difference.sum().item<double>(), 10) << ours[i].first;
    } else {
      EXPECT_LT(difference.max().item<double>(), 2e-4) << ours[i].first;
    }
  }
  EXPECT_LT(first.bytes(), 700 * 2.1 + 64);
}

TEST(AdamW, StepsWeightsWithoutAFusedKernelAlike) {
  // float16 has no kernel of ours: LibTorch's operator, and gradients that autograd adds in place.
  const Parameters fused = one_bfloat16_weight();
  const Parameters plain = {{"w", at::ones({8}, at::kHalf).set_requires_grad(true), true}};
  TrainedWeights fused_weights(fused), plain_weights(plain);
  AdamW first(fused_weights, {.weight_decay = 0.1}), second(plain_weights, {.weight_decay = 0.1});
  for (int step = 0; step < 3; ++step) {
    for (AdamW* optimizer : {&first, &second}) {
      optimizer->weights().zero_gradients();
      optimizer->weights().weights()[0].leaf.sum().backward();
      optimizer->step(1e-2);
    }
  }
  EXPECT_LT(largest_difference(fused_weights.weights()[0].master, plain_weights.weights()[0].master), 1e-6);
}

// tf.train.AdamOptimizer: w ← w − lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m / (√v + eps). With gradients of the size of eps the two
// styles differ from the first step on, by our kernel (bfloat16 leaves) and by LibTorch's operator (float16).
TEST(AdamW, EpsInTheStyleOfTensorFlowIsAddedBeforeTheCorrection) {
  const std::vector<double> gradients = {1e-5, -3e-5, 2e-5};
  double m = 0, v = 0, expected = 1;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double t = static_cast<double>(i + 1), g = gradients[i];
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    expected -= 1e-2 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-5);
  }
  const auto weight_after = [&](at::ScalarType dtype, AdamEpsStyle style, MomentDtype moments = MomentDtype::float32) {
    const Parameters parameters = {{"w", at::ones({8}, dtype).set_requires_grad(true), false}};
    TrainedWeights weights(parameters);
    AdamW optimizer(weights,
                    {.betas = {0.9, 0.999}, .eps = 1e-5, .eps_style = style, .max_grad_norm = 0, .moments = moments});
    for (const double gradient : gradients) {
      weights.zero_gradients();
      weights.gradients().fill_(gradient);
      optimizer.step(1e-2);
    }
    return weights.weights()[0].master[0].item<double>();
  };
  for (const auto dtype : {at::kBFloat16, at::kHalf}) {
    EXPECT_NEAR(weight_after(dtype, AdamEpsStyle::tensorflow), expected, 1e-7);
    // All elements are equal, so they have the largest code and their moments are exact.
    EXPECT_NEAR(weight_after(dtype, AdamEpsStyle::tensorflow, MomentDtype::int8), expected, 1e-7);
    EXPECT_GT(std::abs(weight_after(dtype, AdamEpsStyle::pytorch) - expected), 1e-4) << "so that the test can fail";
  }
}

}  // namespace
}  // namespace rlhf
