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

/// The arms of the policy after training.
at::Tensor arms_after_training(const PpoConfig& config) {
  TableLm policy(table_of(reference_logits())), reference(table_of(reference_logits()));
  ScalarModel value(std::make_unique<TableLm>(at::zeros({5, 5})), at::ones({1, 5}), 0.0);
  ArmReward reward;
  PpoModels models{policy, reference, config.ppo.has_value_model() ? &value : nullptr, reward};
  PpoState state(models, config);
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(1024, &prompt);
  const std::int64_t rollouts = config.train.total_episodes / config.rollout.batch_size;
  for (std::int64_t i = 0; i < rollouts; ++i) {
    const StepPosition at{i, lr_factor(config.lr_schedule.kind, i, rollouts, 0, config.lr_schedule.min_share)};
    ppo_step(models, state, prompts, {}, config, 1 << 20, at);
  }
  return at::softmax(policy.table().detach().select(0, 0), 0);
}

double total_variation(const at::Tensor& a, const at::Tensor& b) { return a.sub(b).abs().sum().item<double>() / 2; }

/// π ∝ π_ref · exp(r / β), which maximises E r − β·KL(π‖π_ref).
at::Tensor optimum() { return at::softmax(reference_logits().add(arm_rewards().div(kBeta)), 0); }

double distance_after_training(const PpoConfig& config) {
  return total_variation(arms_after_training(config), optimum());
}

/// The maximum of E r/scale − β·KL(π_ref‖π): π_a = β·ref_a / (λ − r_a/scale), with the λ for which they sum to 1.
at::Tensor forward_optimum(double scale) {
  const at::Tensor rewards = arm_rewards().to(at::kDouble).div(scale);
  const at::Tensor reference = at::softmax(reference_logits().to(at::kDouble), 0);
  const auto arms = [&](double lambda) { return reference.mul(kBeta).div(rewards.neg().add(lambda)); };
  double low = rewards.max().item<double>(), high = low + 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (arms(middle).sum().item<double>() > 1 ? low : high) = middle;
  }
  return arms(high);
}

/// The same where the scale is the standard deviation of the rewards under π itself, as in GRPO.
at::Tensor grpo_optimum() {
  double scale = 0.5;
  for (int i = 0; i < 100; ++i) {
    const at::Tensor arms = forward_optimum(scale), rewards = arm_rewards().to(at::kDouble);
    const double mean = arms.dot(rewards).item<double>();
    scale = std::sqrt(arms.dot(rewards.sub(mean).square()).item<double>());
  }
  return forward_optimum(scale);
}

PpoConfig without_value_model(AdvantageKind advantage) {
  PpoConfig config = bandit_config();
  config.ppo.advantage = advantage;
  config.ppo.num_ppo_epochs = 1;
  config.rollout.num_samples_per_prompt = 64;
  return config;
}

PpoConfig with_kl_in_loss(AdvantageKind advantage, KlEstimator estimator) {
  PpoConfig config = without_value_model(advantage);
  config.ppo.kl_in = KlPlace::loss;
  config.ppo.kl_estimator = estimator;
  return config;
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

TEST(Bandit, AdvantagesWithoutAValueModelReachIt) {
  for (const AdvantageKind kind :
       {AdvantageKind::rloo, AdvantageKind::grpo, AdvantageKind::dr_grpo, AdvantageKind::reinforce_plus_plus})
    EXPECT_LE(distance_after_training(without_value_model(kind)), 0.02) << static_cast<int>(kind);
}

// The loss has the gradient of KL(π‖π_ref) with k2, and of KL(π_ref‖π) with k3.
TEST(Bandit, TheKlInTheLossHasTheOptimumOfItsEstimator) {
  EXPECT_LE(distance_after_training(with_kl_in_loss(AdvantageKind::dr_grpo, KlEstimator::k2)), 0.02);
  const at::Tensor k3 = arms_after_training(with_kl_in_loss(AdvantageKind::dr_grpo, KlEstimator::k3));
  EXPECT_LE(total_variation(k3, forward_optimum(1)), 0.02);
  EXPECT_GT(total_variation(forward_optimum(1), optimum()), 0.05) << "so a wrong estimator is found";
}

TEST(Bandit, GrpoReachesTheOptimumOfRewardsInStandardDeviations) {
  PpoConfig config = with_kl_in_loss(AdvantageKind::grpo, KlEstimator::k3);
  config.optimizer.lr = 0.08;  // this optimum is farther from the reference
  const at::Tensor found = arms_after_training(config);
  EXPECT_LE(total_variation(found, grpo_optimum()), 0.02);
  EXPECT_GT(total_variation(grpo_optimum(), forward_optimum(1)), 0.05) << "which are others than those of the rewards";
}

}  // namespace
}  // namespace rlhf
