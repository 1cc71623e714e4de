// TrainedWeights: who gets which gradient, when, and what files hold.
#include "rlhf/nn/trained_weights.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "rlhf/tensor/gradient.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn/embedding.h"
#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::largest_difference;

Parameter weight(const std::string& name, const at::Tensor& values, bool trained = true) {
  return {name, values.clone().set_requires_grad(trained), true};
}

/// Remembers the leaf's gradient at the moment when autograd says that it is complete.
class GradientLog : public torch::autograd::FunctionPostHook {
 public:
  GradientLog(const at::Tensor& leaf, std::vector<double>& sums) : leaf_(leaf), sums_(sums) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    sums_.push_back(leaf_.grad().sum().item<double>());
    return outputs;
  }

 private:
  at::Tensor leaf_;
  std::vector<double>& sums_;
};

/// Keeps the accumulator alive, as whoever hooks into it must.
auto log_gradients(const at::Tensor& leaf, std::vector<double>& sums) {
  auto accumulator = torch::autograd::impl::grad_accumulator(leaf);
  accumulator->add_post_hook(std::make_unique<GradientLog>(leaf, sums));
  return accumulator;
}

TEST(TrainedWeights, GradientsAreOneFloat32BufferWhateverTheDtype) {
  const Parameters parameters = {weight("a", at::ones({3}, at::kBFloat16)),
                                 weight("b", at::ones({2, 2}, at::kBFloat16))};
  TrainedWeights weights(parameters);
  EXPECT_EQ(weights.gradients().sizes(), (std::vector<std::int64_t>{32}));  // each padded to 16
  EXPECT_EQ(weights.gradients().scalar_type(), at::kFloat);
  parameters[0].value.sum().backward();
  parameters[1].value.mul(2).sum().backward();
  EXPECT_EQ(weights.gradients().sum().item<double>(), 3 + 2 * 4);
  EXPECT_EQ(weights.gradients().narrow(0, 16, 4).sum().item<double>(), 8);
  weights.zero_gradients();
  EXPECT_EQ(weights.gradients().abs().sum().item<double>(), 0);
}

TEST(TrainedWeights, FrozenWeightsHaveNoGradientAndGoToFilesAsTheyAre) {
  const Parameters parameters = {weight("frozen", at::ones({4}, at::kBFloat16).mul(3), false),
                                 weight("trained", at::ones({2}, at::kBFloat16))};
  TrainedWeights weights(parameters);
  ASSERT_EQ(weights.weights().size(), 1u);
  EXPECT_EQ(weights.weights()[0].parameter.name, "trained");
  EXPECT_FALSE(parameters[0].value.grad().defined());
  EXPECT_EQ(weights.bytes(), 16 * 4 + 2 * 4);  // gradients and one master
  const NamedTensors files = testing::tensors_of(weights.file_tensors());
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].first, "frozen");
  EXPECT_EQ(files[0].second[0].item<double>(), 3.0);
  EXPECT_EQ(files[1].second.scalar_type(), at::kFloat);
}

TEST(TrainedWeights, AMasterThatIsKnownIsKeptAndRoundedIntoTheLeaf) {
  Parameter parameter = weight("w", at::ones({1}, at::kBFloat16));
  parameter.master = at::tensor({1.001F});
  TrainedWeights weights({parameter});
  EXPECT_FLOAT_EQ(testing::tensors_of(weights.file_tensors())[0].second.item<float>(), 1.001F);
  weights.weights()[0].master.fill_(2.5);
  weights.write_leaves();
  EXPECT_EQ(parameter.value.item<double>(), 2.5);
}

// A matrix that is both embedding and head, as in a tied model, and one that only a product reads. The loss is the sum
// of log-probabilities, whose hooks must see the whole gradient of a backward, once.
TEST(TrainedWeights, HooksSeeEachCompleteGradientOnceInABackward) {
  const Parameters parameters = {weight("tied", at::tensor({0.1F, 0.2F, -0.3F, 0.4F, 0.5F, -0.6F}).view({3, 2})),
                                 weight("matrix", at::tensor({1.0F, 0.5F, -0.5F, 1.0F}).view({2, 2}))};
  TrainedWeights weights(parameters);
  std::vector<double> tied_sums, matrix_sums;
  const auto tied = log_gradients(parameters[0].value, tied_sums);
  const auto matrix = log_gradients(parameters[1].value, matrix_sums);
  const at::Tensor tokens = at::tensor({0, 2}, at::kLong), targets = at::tensor({1, 1}, at::kLong);
  const auto backward = [&] {
    const at::Tensor hidden = apply_linear(embed(parameters[0].value, tokens), parameters[1].value);
    backward_through_logprobs(hidden, parameters[0].value, targets, {},
                              [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); });
  };
  backward();
  ASSERT_EQ(tied_sums.size(), 1u);
  ASSERT_EQ(matrix_sums.size(), 1u);
  EXPECT_EQ(tied_sums[0], weights.weights()[0].gradient.sum().item<double>());
  EXPECT_EQ(matrix_sums[0], weights.weights()[1].gradient.sum().item<double>());
  const at::Tensor once = weights.gradients().clone();
  backward();
  EXPECT_EQ(tied_sums.size(), 2u);
  EXPECT_LT(largest_difference(weights.gradients(), once.mul(2)), 1e-6);
}

TEST(TrainedWeights, ADifferentiableHeadAddsInPlaceToo) {
  const Parameters parameters = {weight("head", at::tensor({0.1F, 0.2F, -0.3F, 0.4F}).view({2, 2}))};
  const at::Tensor hidden = at::tensor({1.0F, -1.0F}).view({1, 2}), target = at::tensor({1}, at::kLong);
  TrainedWeights weights(parameters);
  linear_logprobs(hidden, parameters[0].value, target).logprobs.sum().backward();
  const at::Tensor first = weights.gradients().clone();
  weights.zero_gradients();
  backward_through_logprobs(hidden, parameters[0].value, target, {},
                            [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); });
  EXPECT_GT(first.abs().sum().item<double>(), 0.1);
  EXPECT_LT(largest_difference(weights.gradients(), first), 1e-6);
}

}  // namespace
}  // namespace rlhf
