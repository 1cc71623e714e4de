#include "rlhf/algo/preference_loss.h"

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f32;
using testing::f64;
using testing::leaf;
using testing::tensor_of;
using testing::Tensors;

using Loss = std::function<at::Tensor(const PairLogprobs&, const PairLabels&)>;

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

/// The loss of a pair without labels of its own.
double plain(const Loss& loss, const PairLogprobs& pair) { return number(loss(pair, {})); }

/// One pair: ratios ln 3 and −ln 3 over 2 and 1 tokens.
PairLogprobs one_pair() {
  const double step = std::log(3.0);
  return {.chosen = f64({-1}),
          .rejected = f64({-2}),
          .ref_chosen = f64({-1 - step}),
          .ref_rejected = f64({-2 + step}),
          .chosen_tokens = f64({2}),
          .rejected_tokens = f64({1})};
}

/// The loss kto of pairs: half of that of each completion, shared out by `labels`.
at::Tensor kto_of_pairs(const PairLogprobs& pairs, const PairLabels& labels, double beta, double kl) {
  const auto or_ones = [&](const at::Tensor& x) { return x.defined() ? x : at::ones_like(pairs.chosen).detach(); };
  const at::Tensor half = or_ones(labels.weight).div(2), target = or_ones(labels.target);
  const at::Tensor right = half.mul(target), wrong = half.sub(right);
  return kto_loss(at::cat({pairs.chosen, pairs.rejected}), at::cat({pairs.ref_chosen, pairs.ref_rejected}),
                  at::cat({right, wrong}), at::cat({wrong, right}), beta, f64({kl})[0]);
}

struct Named {
  std::string name;
  Loss loss;
};

/// All losses, with constants of the golden file.
std::vector<Named> all_losses(double beta, double gamma, double kl) {
  const auto with = [beta](auto function) -> Loss {
    return [=](const PairLogprobs& pairs, const PairLabels& labels) { return function(pairs, labels, beta); };
  };
  return {{"dpo", with(dpo_loss)},
          {"dpo_norm", with(dpo_norm_loss)},
          {"ipo", with(dpo_ipo_loss)},
          {"hinge", with(dpo_hinge_loss)},
          {"simpo", [=](const auto& pairs, const auto& labels) { return simpo_loss(pairs, labels, beta, gamma); }},
          {"orpo", with(orpo_loss)},
          {"kto", [=](const auto& pairs, const auto& labels) { return kto_of_pairs(pairs, labels, beta, kl); }}};
}

class AgainstTrl : public ::testing::Test {
 protected:
  /// The loss and its gradients against the entry `name` of the golden file.
  void expect_agreement(const std::string& name, const Loss& loss, double target = 1) const {
    const PairLogprobs pairs{.chosen = leaf(tensor_of(golden_["chosen"])),
                             .rejected = leaf(tensor_of(golden_["rejected"])),
                             .ref_chosen = tensor_of(golden_["ref_chosen"]),
                             .ref_rejected = tensor_of(golden_["ref_rejected"]),
                             .chosen_tokens = tensor_of(golden_["chosen_tokens"]),
                             .rejected_tokens = tensor_of(golden_["rejected_tokens"])};
    PairLabels labels;
    if (target != 1) labels.target = at::full_like(pairs.chosen, target).detach();
    const at::Tensor sum = loss(pairs, labels);
    const auto& expected = golden_["losses"][name];
    EXPECT_NEAR(number(sum), expected["sum"], 1e-11) << name;
    const Tensors gradients = torch::autograd::grad({sum}, {pairs.chosen, pairs.rejected});
    EXPECT_TRUE(close(gradients[0], tensor_of(expected["chosen_grad"]), 1e-11)) << name;
    EXPECT_TRUE(close(gradients[1], tensor_of(expected["rejected_grad"]), 1e-11)) << name;
  }

  const nlohmann::json golden_ = testing::read_golden("preference/preference.json");
  const double beta_ = golden_["beta"], gamma_ = golden_["simpo_gamma"], kl_ = golden_["kl"];
  const double error_ = golden_["label_smoothing"];
};

TEST_F(AgainstTrl, AgreesInValuesAndGradients) {
  for (const auto& [name, loss] : all_losses(beta_, gamma_, kl_))
    if (name != "orpo") expect_agreement(name, loss);
}

TEST_F(AgainstTrl, AgreesInSmoothedLabels) {
  const auto losses = all_losses(beta_, gamma_, kl_);
  expect_agreement("smoothed", losses[0].loss, 1 - error_);
  expect_agreement("robust", losses[0].loss, (1 - error_) / (1 - 2 * error_));
  expect_agreement("simpo_smoothed", losses[4].loss, 1 - error_);
}

TEST_F(AgainstTrl, AgreesInTheOddsRatio) {
  // Without the likelihood of the chosen completion, which TRL counts in another way.
  expect_agreement("orpo_odds", [this](const PairLogprobs& pairs, const PairLabels& labels) {
    return orpo_loss(pairs, labels, beta_).add(pairs.chosen.div(pairs.chosen_tokens).sum());
  });
}

TEST_F(AgainstTrl, AgreesInSingleCompletions) {
  for (const auto& batch : golden_["unpaired"]) {
    const at::Tensor logprobs = leaf(tensor_of(batch["logprobs"]));
    const at::Tensor kl = kto_kl(tensor_of(batch["kl_logprobs"]), tensor_of(batch["ref_kl_logprobs"]));
    EXPECT_NEAR(number(kl), batch["kl"], 1e-12);
    const double good = batch["desirable_weight"], bad = batch["undesirable_weight"];
    std::vector<double> desirable, undesirable;
    for (const bool label : batch["labels"]) {
      desirable.push_back(label ? good : 0);
      undesirable.push_back(label ? 0 : bad);
    }
    const at::Tensor sum =
        kto_loss(logprobs, tensor_of(batch["ref_logprobs"]), tensor_of(desirable), tensor_of(undesirable), beta_, kl);
    const at::Tensor mean = sum.div(static_cast<double>(desirable.size()));
    EXPECT_NEAR(number(mean), batch["mean_loss"], 1e-11);
    EXPECT_TRUE(close(torch::autograd::grad({mean}, {logprobs})[0], tensor_of(batch["grad"]), 1e-11));
  }
}

TEST(PreferenceLoss, AgreesWithAHandCalculation) {
  const double step = std::log(3.0);
  const PairLogprobs pair = one_pair();
  // R = ½·(ln 3 + ln 3) = ln 3: σ = 3/4.
  EXPECT_NEAR(number(dpo_loss(pair, {}, 0.5)), std::log(4.0 / 3), 1e-12);
  // R = 1·(½·ln 3 + ln 3) = ln 3^1.5.
  EXPECT_NEAR(number(dpo_norm_loss(pair, {}, 1)), std::log1p(std::pow(3.0, -1.5)), 1e-12);
  EXPECT_NEAR(number(dpo_ipo_loss(pair, {}, 0.25)), std::pow(1.5 * step - 2, 2), 1e-12);
  EXPECT_NEAR(number(dpo_hinge_loss(pair, {}, 0.25)), 1 - step / 2, 1e-12);
  EXPECT_EQ(number(dpo_hinge_loss(pair, {}, 0.5)), 0);  // R = ln 3 is more than 1
  // r = −½ and −2: R − γ = 1.5 − 0.5.
  EXPECT_NEAR(number(simpo_loss(pair, {}, 1, 0.5)), std::log1p(std::exp(-1.0)), 1e-12);
  // (1 − σ(ln 3 − 0) + 1 − σ(0 + ln 3)) / 2.
  EXPECT_NEAR(number(kto_of_pairs(pair, {}, 1, 0)), 0.25, 1e-12);
}

TEST(OrpoLoss, AgreesWithAHandCalculation) {
  // Probabilities per token of 3/4 and 1/3: odds of 3 and 1/2, whose ratio is 6.
  const PairLogprobs pair{.chosen = f64({2 * std::log(0.75)}),
                          .rejected = f64({std::log(1.0 / 3)}),
                          .chosen_tokens = f64({2}),
                          .rejected_tokens = f64({1})};
  EXPECT_NEAR(number(orpo_loss(pair, {}, 0.1)), std::log(4.0 / 3) + 0.1 * std::log(7.0 / 6), 1e-12);
}

TEST(OrpoLoss, StaysFiniteForCertainAndImpossibleCompletions) {
  const PairLogprobs pairs{.chosen = leaf(f32({0, -1e4, -1e-9})),
                           .rejected = leaf(f32({-1e4, 0, -1e-9})),
                           .chosen_tokens = f32({1, 1, 1}),
                           .rejected_tokens = f32({1, 1, 1})};
  const at::Tensor loss = orpo_loss(pairs, {}, 0.1);
  EXPECT_TRUE(std::isfinite(number(loss)));
  for (const at::Tensor& gradient : torch::autograd::grad({loss}, {pairs.chosen, pairs.rejected}))
    EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << gradient;
}

TEST(PreferenceLoss, OfLabelsIsTheMixtureOfBothOrders) {
  const PairLogprobs pair = one_pair();
  const PairLogprobs swapped{.chosen = pair.rejected,
                             .rejected = pair.chosen,
                             .ref_chosen = pair.ref_rejected,
                             .ref_rejected = pair.ref_chosen,
                             .chosen_tokens = pair.rejected_tokens,
                             .rejected_tokens = pair.chosen_tokens};
  for (const auto& [name, loss] : all_losses(0.5, /*gamma=*/0, 0.1)) {  // γ belongs to both orders, like a margin
    const double right = plain(loss, pair), wrong = plain(loss, swapped);
    EXPECT_NEAR(number(loss(pair, {.weight = f64({3}), .target = f64({0.8})})), 3 * (0.8 * right + 0.2 * wrong), 1e-12)
        << name;
  }
}

TEST(PreferenceLoss, OfAMarginIsThatOfASmallerDifference) {
  // R = ln 3 − ln 3 = 0.
  EXPECT_NEAR(number(dpo_loss(one_pair(), {.margin = f64({std::log(3.0)})}, 0.5)), std::log(2.0), 1e-12);
  EXPECT_NEAR(number(simpo_loss(one_pair(), {.margin = f64({1})}, 1, 0.5)), std::log(2.0), 1e-12);  // 1.5 − 1 − 0.5
}

TEST(PreferenceLoss, GradientEqualsCentralDifferences) {
  const auto below_zero = [](std::uint64_t seed) { return testing::normal({6}, seed).abs().neg().sub(0.1); };
  const Tensors inputs{leaf(below_zero(1)), leaf(below_zero(2))};
  const at::Tensor ref_chosen = below_zero(3), ref_rejected = below_zero(4);
  const PairLabels labels{.weight = testing::normal({6}, 5).abs(), .target = testing::normal({6}, 6)};
  for (const auto& [name, loss] : all_losses(0.7, 0.3, 0.1)) {
    const auto of = [&](const Tensors& x) {
      return loss({.chosen = x[0],
                   .rejected = x[1],
                   .ref_chosen = ref_chosen,
                   .ref_rejected = ref_rejected,
                   .chosen_tokens = f64({1, 2, 3, 4, 5, 6}),
                   .rejected_tokens = f64({6, 5, 4, 3, 2, 1})},
                  labels);
    };
    EXPECT_TRUE(testing::gradcheck(of, inputs)) << name;
  }
}

TEST(KtoKl, IsTheMeanLogRatioButAtLeastZero) {
  EXPECT_NEAR(number(kto_kl(f64({-1, -2}), f64({-1.5, -2.1}))), 0.3, 1e-12);
  EXPECT_EQ(number(kto_kl(f64({-1, -2}), f64({-0.5, -2.1}))), 0);
  EXPECT_FALSE(kto_kl(leaf(f64({-1})), f64({-2})).requires_grad());
}

}  // namespace
}  // namespace rlhf
