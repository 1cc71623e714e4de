// The example method examples/rloo: its formula, the bandit's closed form, and resuming.
#include "rloo.h"

#include <vector>

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/same_bits.h"
#include "support/table_lm.h"

namespace rlhf {
namespace {

TEST(Rloo, TheBaselineIsTheMeanOfTheOthers) {
  const at::Tensor advantages = rloo::leave_one_out(at::tensor({1.0, 2.0, 6.0, 0.0, 0.0, 3.0}), 3);
  const std::vector<double> expected = {1 - 4, 2 - 3.5, 6 - 1.5, -1.5, -1.5, 3};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_DOUBLE_EQ(advantages[static_cast<std::int64_t>(i)].item<double>(), expected[i]);
}

at::Tensor table_of(const at::Tensor& first_row) {
  at::Tensor table = at::zeros({5, 5});
  table.select(0, 0).copy_(first_row);
  return table;
}

/// Five arms; a response is one token, and its reward is a fixed number.
double distance_from_optimum(double kl_coef, double optimal_for) {
  const at::Tensor logits = at::tensor({0.8, -0.5, 0.1, -1.0, 0.4}, at::kFloat);
  const at::Tensor rewards = at::tensor({0.0, 1.0, 0.3, 0.9, -0.5}, at::kFloat);
  rloo::Config config;
  config.rollout = {.batch_size = 1024, .num_samples_per_prompt = 1024, .max_new_tokens = 1};
  config.reward.missing_eos = MissingEos::none;
  config.kl_coef = kl_coef;
  config.optimizer = {.lr = 0.05, .max_grad_norm = 0};
  testing::TableLm policy(table_of(logits)), reference(table_of(logits));
  Trainee trainee(policy.parameters(), config.optimizer);
  struct Arms : RewardSource {
    at::Tensor rewards;
    std::vector<float> score(const RewardRequest& request) override {
      const at::Tensor scores = rewards.index_select(0, request.rollout.tokens).contiguous();
      return {scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel()};
    }
  } arms;
  arms.rewards = rewards;
  const PromptSample prompt{{0}, "", "{}"};
  const std::vector<const PromptSample*> prompts(1024, &prompt);
  for (std::int64_t i = 0; i < 300; ++i)
    rloo::rloo_step(policy, reference, arms, nullptr, trainee, prompts, {}, config, 1 << 20,
                    {i, 1.0 - static_cast<double>(i) / 300});
  const at::Tensor optimum = at::softmax(logits.add(rewards.div(optimal_for)), 0);
  const at::Tensor found = at::softmax(policy.table().detach().select(0, 0), 0);
  return found.sub(optimum).abs().sum().item<double>() / 2;
}

// π ∝ π_ref · exp(r / β)
TEST(Rloo, ReachesTheOptimumOfTheBandit) {
  EXPECT_LE(distance_from_optimum(0.5, 0.5), 0.02);
  EXPECT_GT(distance_from_optimum(1.0, 0.5), 0.05);  // so the line above can fail
}

TEST(Rloo, RefusesWhatOnlyPpoHas) {
  rloo::Config config;
  config.model.policy = "p";
  config.data.prompts = {"x.jsonl"};
  config.train.output = "o";
  EXPECT_TRUE(validate(config).empty());
  config.reward.scaling = RewardScaling::running_std;
  config.rollout.refill_equal_groups = 2;
  config.data.ptx = {"y.jsonl"};
  std::vector<std::string> keys;
  for (const Issue& issue : validate(config)) keys.push_back(issue.keys.front());
  EXPECT_EQ(keys, (std::vector<std::string>{"reward.scaling", "rollout.refill_equal_groups", "data.ptx"}));
}

TEST(Rloo, HoldsTheRulesOfEveryOnPolicyMethod) {
  rloo::Config config;
  config.model.policy = "p";
  config.data.prompts = {"x.jsonl"};
  config.train.output = "o";
  const auto refuses = [](const rloo::Config& wrong, const std::vector<std::string>& expected) {
    std::vector<std::string> keys;
    for (const Issue& issue : validate(wrong)) keys.push_back(issue.keys.front());
    EXPECT_EQ(keys, expected);
  };
  rloo::Config wrong = config;
  wrong.model.lora = LoraOptions{.targets = {""}, .dropout = 0.1};
  refuses(wrong, {"model.lora.targets", "model.lora.dropout"});
  wrong = config;
  wrong.model.eval_reward = "e";
  wrong.model.reward_ensemble = {"r"};
  refuses(wrong, {"model.eval_reward", "model.reward_ensemble"});
  wrong = config;
  wrong.data.eval = {"y.jsonl"};
  wrong.eval.best_by = "eval_objective/held_out_scores";
  wrong.reward.spread_penalty = 1;
  refuses(wrong, {"eval.best_by", "reward.spread_penalty"});
}

class RlooRun : public testing::SameBits {};

TEST_F(RlooRun, ResumesWithTheSameBits) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 20;
  train_sft(sft);
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  rloo::Config config;
  config.model = {.policy = path("sft/final"), .reward = path("rm/final"), .reference = ""};
  config.data.prompts = {path("prompts.jsonl")};
  config.rollout = {.batch_size = 8, .num_samples_per_prompt = 4, .max_new_tokens = 4};
  config.train.total_episodes = 32;
  config.train.device = DeviceChoice::cpu;
  config.train.dtype = DtypeChoice::float32;
  config.optimizer.lr = 1e-3;
  config.log.samples_every_steps = 1;
  const auto train = [](const rloo::Config& c, const RunOptions& options) {
    rloo::Method method(c);
    run_method(method, run_settings("rloo", c), options);
  };
  expect_same_bits(config, "rloo", 4, train, {"final"});
  expect_same_bits_after_loss(config, "rloo", train, {"final"});
}

}  // namespace
}  // namespace rlhf
