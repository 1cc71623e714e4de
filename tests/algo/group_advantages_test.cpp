// Advantages of several responses to a prompt.
#include "rlhf/algo/group_advantages.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "rlhf/algo/kl.h"
#include "rlhf/algo/ppo_loss.h"
#include "rlhf/core/error.h"

#include "support/golden.h"
#include "support/misuse.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::expect_misuse;
using testing::f32;
using testing::f64;
using testing::leaf;
using testing::tensor_of;

const std::pair<const char*, AdvantageKind> kKinds[] = {
    {"rloo", AdvantageKind::rloo}, {"grpo", AdvantageKind::grpo}, {"dr_grpo", AdvantageKind::dr_grpo}};

// Rewards 1, 2, 6 have the mean 3 and the deviation √((4 + 1 + 9)/2) = √7; 1 minus the mean of the others is −3.
TEST(GroupAdvantages, AgreeWithAHandCalculation) {
  const at::Tensor rewards = f64({1, 2, 6, 5, 5, 5});
  EXPECT_TRUE(close(group_advantages(rewards, 3, AdvantageKind::rloo), f64({-3, -1.5, 4.5, 0, 0, 0}), 1e-12));
  EXPECT_TRUE(close(group_advantages(rewards, 3, AdvantageKind::dr_grpo), f64({-2, -1, 3, 0, 0, 0}), 1e-12));
  const double deviation = std::sqrt(7.0) + 1e-4;
  EXPECT_TRUE(close(group_advantages(rewards, 3, AdvantageKind::grpo),
                    f64({-2 / deviation, -1 / deviation, 3 / deviation, 0, 0, 0}), 1e-12));
}

TEST(GroupAdvantages, AgreeWithTrl) {
  const auto golden = testing::read_golden("ppo/groups.json");
  for (const auto& [name, kind] : kKinds)
    EXPECT_TRUE(close(group_advantages(tensor_of(golden["rewards"]), golden["group"], kind),
                      tensor_of(golden["advantages"][name]), 1e-12))
        << name;
}

TEST(GroupAdvantages, KnowTheGroupsThatTeachNothing) {
  EXPECT_TRUE(equal_groups(f32({1, 2, 3, 3, 0, 0, 1, 0}), 2).equal(f32({0, 1, 1, 0}).to(at::kBool)));
  EXPECT_TRUE(equal_groups(f32({1, 1, 1}), 3).equal(f32({1}).to(at::kBool)));
}

TEST(GroupAdvantages, RefuseWhatIsNotGroups) {
  const auto of = [](const at::Tensor& rewards, std::int64_t size, AdvantageKind kind) {
    return [=] { group_advantages(rewards, size, kind); };
  };
  expect_misuse<ArgumentError>("group_size: expected at least 2, found 1", of(f32({1}), 1, AdvantageKind::rloo));
  expect_misuse<ArgumentError>("group_size: expected a divisor of 3, the number of rewards, found 2",
                               of(f32({1, 2, 3}), 2, AdvantageKind::grpo));
  expect_misuse<ArgumentError>("kind: expected rloo, grpo or dr_grpo", of(f32({1, 2}), 2, AdvantageKind::gae));
  expect_misuse<ShapeError>("rewards: expected", of(f32({1, 2}).view({1, 2}), 2, AdvantageKind::grpo));
  expect_misuse<NumericsError>("rewards: expected finite",
                               of(f32({1, std::numeric_limits<double>::quiet_NaN()}), 2, AdvantageKind::grpo));
}

/// The loss of GRPO with k3 in the loss, as the trainer sums it up.
TEST(GroupAdvantages, TheLossOfGrpoAgreesWithTrlInValueAndGradient) {
  const auto golden = testing::read_golden("ppo/groups.json");
  const std::vector<std::int64_t> lengths = golden["lengths"];
  const Segments responses = make_segments(lengths, at::kCPU);
  const at::Tensor logprobs = leaf(tensor_of(golden["logprobs"]));
  const at::Tensor advantages = segment_repeat(tensor_of(golden["advantages"]["grpo"]), responses);
  const std::pair<std::string, LossAggregation> aggregations[] = {{"token_mean", LossAggregation::token_mean},
                                                                  {"sequence_mean", LossAggregation::sequence_mean},
                                                                  {"constant", LossAggregation::constant}};
  for (const auto& [name, aggregation] : aggregations) {
    for (const bool dual : {false, true}) {
      const PolicyClip clip{golden["low"], golden["high"], dual ? golden["dual"].get<double>() : 0};
      const at::Tensor losses = ppo_policy_loss(logprobs, tensor_of(golden["old_logprobs"]), advantages, clip).losses;
      const at::Tensor kl = kl_estimate(logprobs, tensor_of(golden["ref_logprobs"]), KlEstimator::k3);
      const at::Tensor weights = loss_weights(responses, aggregation, golden["max_tokens"]).to(at::kDouble);
      const at::Tensor loss = losses.add(kl, golden["kl_coef"].get<double>()).dot(weights);
      const auto& expected = golden["losses"][name + (dual ? "_dual" : "")];
      EXPECT_NEAR(loss.item<double>(), expected["loss"], 1e-7) << name << dual;  // weights are float32
      EXPECT_TRUE(close(torch::autograd::grad({loss}, {logprobs})[0], tensor_of(expected["gradient"]), 1e-7))
          << name << dual;
    }
  }
}

}  // namespace
}  // namespace rlhf
