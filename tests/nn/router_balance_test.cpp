// The load-balancing loss of the routers of mixtures of experts.
#include "nn/router_balance.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "rlhf/nn/model_folder.h"

#include "family_goldens.h"
#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::golden;
using testing::kLengths;
using testing::pack_cut;
using testing::relative_difference;

class RouterLoss : public ::testing::TestWithParam<std::string> {
 protected:
  SafetensorsFile expected() const { return SafetensorsFile(golden("families/" + GetParam() + "_router.safetensors")); }
  std::unique_ptr<CausalLM> load() const {
    return load_causal_lm(read_model_folder(golden("families/" + GetParam())), at::kCPU, at::kFloat,
                          /*requires_grad=*/true);
  }
  PackedBatch batch() const {
    return pack_cut(SafetensorsFile(golden("families/" + GetParam() + ".safetensors")).tensor("tokens"), kLengths);
  }
};

/// Adds the gradients that a forward pass gives although its result is not used.
void backward_without_loss(CausalLM& model, const PackedBatch& batch, const at::Tensor& rows) {
  const at::Tensor hidden = model.forward(batch, rows);
  hidden.backward(at::zeros_like(hidden));
}

// Also where only one row of the last layer is asked for, and where layers run again.
TEST_P(RouterLoss, AndItsGradientsEqualTransformers) {
  const SafetensorsFile expected = this->expected();
  for (const bool recompute : {false, true}) {
    const auto model = load();
    model->set_router_loss(1.0);
    model->set_recompute(recompute);
    backward_without_loss(*model, batch(), at::tensor({3}, at::kLong));
    EXPECT_NEAR(model->take_router_loss().value_or(0), expected.tensor("loss").item<double>(), 1e-5);
    EXPECT_FALSE(model->take_router_loss());
    std::size_t compared = 0;
    for (const Parameter& parameter : model->parameters()) {
      const at::Tensor& found = parameter.value.grad();
      for (const auto& [name, gradient] :
           split_parts(parameter, found.defined() ? found : at::zeros_like(parameter.value))) {
        if (!expected.entries().contains("grad." + name)) continue;
        const at::Tensor wanted = expected.tensor("grad." + name);
        ++compared;
        if (wanted.norm().item<double>() < 1e-7) {
          EXPECT_LT(gradient.norm().item<double>(), 1e-6) << name;
        } else {
          EXPECT_LT(relative_difference(gradient, wanted), 1e-5) << name;
        }
      }
    }
    EXPECT_EQ(compared + 1, expected.entries().size());
  }
}

/// The gradient of the first router.
at::Tensor router_gradient(CausalLM& model) {
  for (const Parameter& parameter : model.parameters())
    if (parameter.name.ends_with("gate.weight")) return parameter.value.grad().clone();
  return {};
}

TEST_P(RouterLoss, IsWeighedByTheCoefficientAndTheShareOfTheBatch) {
  const auto gradient = [&](std::optional<double> coefficient, double share) {
    const auto model = load();
    model->set_router_loss(coefficient);
    PackedBatch part = batch();
    part.share = share;
    backward_without_loss(*model, part, {});
    return std::pair(router_gradient(*model), model->take_router_loss());
  };
  const auto [whole, loss] = gradient(1.0, 1);
  const auto [part, part_loss] = gradient(0.1, 0.25);
  EXPECT_LT(relative_difference(part, whole.mul(0.025)), 1e-5);
  EXPECT_NEAR(*part_loss, *loss / 4, 1e-6);
  const double own = GetParam() == "olmoe" ? 0.01 : 0.001;  // of config.json
  EXPECT_LT(relative_difference(gradient(std::nullopt, 1).first, whole.mul(own)), 1e-5);
  EXPECT_EQ(gradient(0.0, 1).first.abs().sum().item<double>(), 0);
  EXPECT_EQ(gradient(0.0, 1).second, std::nullopt);
}

TEST_P(RouterLoss, IsNotComputedWithoutGradients) {
  const auto model = load();
  model->set_router_loss(1.0);
  const at::NoGradGuard no_gradient;
  model->forward(batch());
  EXPECT_EQ(model->take_router_loss(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Mixtures, RouterLoss, ::testing::Values("mixtral", "qwen2_moe", "qwen3_moe", "olmoe"),
                         [](const auto& family) { return family.param; });

// Two layers, two experts, one per token: probabilities 0.75 and 0.25, 0.5 and 0.5; both times expert 0. f = (2, 0) /
// 2, P = (1.25, 0.75) / 2, so the loss is 2·0.625, and its gradient 2·1/2 for expert 0.
TEST(RouterBalance, IsTheProductOfChoicesAndProbabilities) {
  const auto balance = c10::make_intrusive<RouterBalance>(/*weight=*/3.0);
  const at::Tensor first = at::tensor({0.75F, 0.25F}).view({1, 2}).set_requires_grad(true);
  const at::Tensor second = at::tensor({0.5F, 0.5F}).view({1, 2}).set_requires_grad(true);
  const at::Tensor chosen = at::zeros({1, 1}, at::kLong);
  const at::Tensor used = balance->add(first, chosen);
  balance->add(second, chosen);
  EXPECT_FLOAT_EQ(balance->finish().item<float>(), 1.25F);
  balance->add(second, chosen);  // a layer that runs again
  EXPECT_EQ(testing::largest_difference(used, first), 0.0);
  used.mul(10).sum().backward();
  EXPECT_LT(testing::largest_difference(first.grad(), at::tensor({10.0F + 3, 10.0F}).view({1, 2})), 1e-6);
}

}  // namespace
}  // namespace rlhf
