#include <cmath>
#include <memory>

#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/algo/lr_schedule.h"
#include "rlhf/train/ppo.h"

#include "support/table_lm.h"

namespace rlhf {
namespace {

using testing::TableLm;

constexpr double kBeta = 0.5;

/// Five arms; the "answer" is one token, and its reward is a fixed number.
const at::Tensor& reference_logits() {
  static const at::Tensor logits = at::tensor({0.8, -0.5, 0.1, -1.0, 0.4}, at::kFloat);
  return logits;
}
const at::Tensor& arm_rewards() {
  static const at::Tensor rewards = at::tensor({0.0, 1.0, 0.3, 0.9, -0.5}, at::kFloat);
  return rewards;
}

class ArmReward : public RewardSource {
 public:
  std::vector<float> score(const RewardRequest& request) override {
    const at::Tensor scores = arm_rewards().index_select(0, request.rollout.tokens).contiguous();
    return {scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel()};
  }
};

PpoConfig bandit_config() {
  PpoConfig config;
  config.rollout = {.batch_size = 1024, .max_new_tokens = 1};
  config.reward.missing_eos = MissingEos::none;
  config.ppo.kl_coef = kBeta;
  config.ppo.gamma = 1.0;
  config.ppo.whiten_advantages = false;
  config.train.total_episodes = 150 * 1024;
  config.optimizer = {.lr = 0.03, .max_grad_norm = 0};
  config.value_optimizer = {.lr = 0.05, .max_grad_norm = 0};
  return config;
}

at::Tensor table_of(const at::Tensor& first_row) {
  at::Tensor table = at::zeros({5, 5});
  table.select(0, 0).copy_(first_row);
  return table;
}

/// Total variation between the policy's arms after training and π ∝ π_ref · exp(r / β).
double distance_after_training(PpoConfig config) {
  TableLm policy(table_of(reference_logits())), reference(table_of(reference_logits()));
  ScalarModel value(std::make_unique<TableLm>(at::zeros({5, 5})), at::ones({1, 5}), 0.0);
  ArmReward reward;
  PpoModels models{policy, reference, value, reward};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(1024, &prompt);
  const std::int64_t rollouts = config.train.total_episodes / config.rollout.batch_size;
  for (std::int64_t i = 0; i < rollouts; ++i) {
    const StepPosition at{i, lr_factor(config.lr_schedule.kind, i, rollouts, 0, config.lr_schedule.min_share)};
    ppo_step(models, state, prompts, {}, config, 1 << 20, at);
  }

  const at::Tensor optimum = at::softmax(reference_logits().add(arm_rewards().div(kBeta)), 0);
  const at::Tensor found = at::softmax(policy.table().detach().select(0, 0), 0);
  return found.sub(optimum).abs().sum().item<double>() / 2;
}

TEST(Bandit, PpoReachesTheKlRegularisedOptimum) { EXPECT_LE(distance_after_training(bandit_config()), 0.02); }

TEST(Bandit, AnotherKlWeightEndsElsewhere) {
  PpoConfig config = bandit_config();
  config.ppo.kl_coef = 2 * kBeta;
  EXPECT_GT(distance_after_training(config), 0.05);  // so the test above can fail
}

TEST(Bandit, SeveralMiniBatchesReachItToo) {
  PpoConfig config = bandit_config();
  config.ppo.num_mini_batches = 4;
  config.ppo.num_ppo_epochs = 2;
  config.optimizer.lr = 0.015;
  EXPECT_LE(distance_after_training(config), 0.02);
}

}  // namespace
}  // namespace rlhf
