// Wrong calls of the steps of on-policy methods and of whole runs.
#include "support/misuse.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/train/on_policy.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/fake_lm.h"
#include "support/tensors.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::f32;
using testing::FakeLm;
using testing::i64;

class OnPolicyMisuse : public ::testing::Test {
 protected:
  OnPolicyMisuse() { rollout_ = make_rollout(std::vector<const TokenIds*>{&prompt_.ids}, answers_, at::kCPU); }

  FakeLm model_{7};
  PromptSample prompt_{{1, 2}, "q", "{}"};
  std::vector<Generation> answers_{{{3, 4}, {-0.5F, -0.7F}, Finish::stop}};
  Rollout rollout_;
  std::vector<std::size_t> all_{0}, outside_{1};
  WorkCounters work_;
};

TEST_F(OnPolicyMisuse, Rollouts) {
  const std::vector<const PromptSample*> none, null{nullptr}, one{&prompt_}, two{&prompt_, &prompt_};
  const auto collect = [&](const std::vector<const PromptSample*>& prompts, const RolloutOptions& options) {
    return [&, prompts, options] { collect_rollout(model_, prompts, options, {}, nullptr, {}, work_); };
  };
  expect_misuse<ShapeError>("prompts: expected at least one prompt, found none", collect(none, {}));
  expect_misuse<ArgumentError>("prompts: expected prompts, found a null pointer", collect(null, {}));
  expect_misuse<ArgumentError>("temperature: expected at least 0, found -1", collect(one, {.temperature = -1}));
  expect_misuse<ArgumentError>("max_new_tokens: expected at least 1, found 0", collect(one, {.max_new_tokens = 0}));
  expect_misuse<ShapeError>("prompts: expected 1, one per response, found 2",
                            [&] { read_responses(rollout_, two, nullptr); });
  const BatchOrder order(3, 1, 0);
  const std::vector<PromptSample> few{prompt_};
  expect_misuse<ArgumentError>("num_samples_per_prompt: expected at least 1, found 0",
                               [&] { choose_prompts(order, few, 0, {.batch_size = 1, .num_samples_per_prompt = 0}); });
  expect_misuse<ArgumentError>("prompts: expected at least one prompt", [&] { choose_prompts(order, {}, 0, {}); });
  expect_misuse<ArgumentError>("order: expected an order of these prompts",
                               [&] { choose_prompts(order, few, 0, {.batch_size = 3}); });
}

TEST_F(OnPolicyMisuse, Scores) {
  struct TwoScores : RewardSource {
    std::vector<float> score(const RewardRequest&) override { return {1, 2}; }
  } two_scores;
  const std::vector<ResponseRecord> one{{"q", "a", "{}"}}, none;
  expect_misuse<ShapeError>("rewards: expected 1, one per response, found 2",
                            [&] { score_responses(two_scores, rollout_, one, {}, work_); });
  expect_misuse<ShapeError>("responses: expected 1, one per response, found 0",
                            [&] { score_responses(two_scores, rollout_, none, {}, work_); });
  ScoredRollout scored{rollout_, {{"q", "a", "no JSON"}}, rollout_.logprobs, f32({1})};
  expect_misuse<ArgumentError>("record of response 0: ", [&] { sample_lines(scored); });
  scored.scores = f32({1, 2});
  expect_misuse<ShapeError>("scores: expected [1], found [2]", [&] { sample_lines(scored); });
}

TEST_F(OnPolicyMisuse, Passes) {
  const ForwardOptions good{1.0, 64};
  expect_misuse<ArgumentError>("micro_batch_tokens: expected at least 1, found 0",
                               [&] { logprobs_of(model_, rollout_, all_, {}, work_); });
  expect_misuse<ArgumentError>("temperature: expected above 0, found 0", [&] {
    logprobs_of(model_, rollout_, all_, {0.0, 64}, work_);
  });
  expect_misuse<ArgumentError>("sequences: expected indices below 1, found 1",
                               [&] { logprobs_of(model_, rollout_, outside_, good, work_); });
  expect_misuse<ArgumentError>("sequences", [&] { response_tokens(rollout_, outside_); });
  expect_misuse<ArgumentError>("size: expected at least 1, found 0",
                               [&] { split_into_mini_batches(rollout_, 0, 0, 0, 0); });
  expect_misuse<ArgumentError>("loss: expected a function, found none",
                               [&] { backward_policy(model_, rollout_, all_, good, {}, work_); });
  ScalarModel values(std::make_unique<FakeLm>(7), testing::leaf(testing::normal({1, 14}, 1, at::kFloat)), 0);
  expect_misuse<ArgumentError>("loss: expected a function, found none",
                               [&] { backward_values(values, rollout_, all_, good, {}, work_); });
  expect_misuse<ShapeError>("loss: expected a scalar", [&] {
    backward_values(
        values, rollout_, all_, good, [](const at::Tensor& v, const at::Tensor&) { return v; }, work_);
  });
  expect_misuse<ArgumentError>("mini_batches: expected at least one mini-batch",
                               [&] { OldLogprobs(model_, rollout_, {}, good, work_); });
  expect_misuse<ShapeError>("logprobs: expected [2], found [1]",
                            [&] { compare_with_sampler(f32({1}), rollout_, i64({0}), at::kFloat, true); });
  expect_misuse<ArgumentError>("rows: expected numbers from 0 to 1, found 2", [&] {
    compare_with_sampler(f32({1, 2}), rollout_, i64({2}), at::kFloat, true);
  });
}

TEST_F(OnPolicyMisuse, BatchOfPpo) {
  const ScoredRollout scored{rollout_, {{"q", "a", "{}"}}, rollout_.logprobs, i64({1})};
  expect_misuse<ShapeError>("scores: expected floating-point numbers, found Long", [&] {
    make_ppo_batch(scored, f32({0, 0}), {}, 0.1, 1);
  });
  const ScoredRollout right{rollout_, {{"q", "a", "{}"}}, rollout_.logprobs, f32({1})};
  expect_misuse<ArgumentError>("gamma: expected a number from 0 to 1, found 2", [&] {
    make_ppo_batch(right, f32({0, 0}), {.gamma = 2}, 0.1, 1);
  });
  expect_misuse<ShapeError>("values: expected [2], found [3]", [&] {
    make_ppo_batch(right, f32({0, 0, 0}), {}, 0.1, 1);
  });
}

TEST(PlanMisuse, Sizes) {
  expect_misuse<ArgumentError>("train.batch_size: expected at least 1, found 0",
                               [] { plan_supervised({.batch_size = 0}, 10, 64); });
  PpoConfig config;
  config.train.total_episodes = 100;
  config.rollout.batch_size = 64;
  config.ppo.num_mini_batches = 5;
  expect_misuse<ArgumentError>("plan: expected a multiple of", [&] { plan_ppo(config, 64); });
  expect_misuse<ArgumentError>("shape: expected the sizes of a model",
                               [] { derive_micro_batch_tokens({}, at::kFloat, 0, 1 << 20, 8, false); });
}

/// A program that fills the struct of a config gets the errors that the tools give for a file.
class RunMisuse : public testing::TinyRun {};

TEST_F(RunMisuse, ValuesOutOfRange) {
  const auto expect_fault = [&](const std::string& text, const auto& call) {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown; expected: " << text;
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
    EXPECT_FALSE(std::filesystem::exists(path("run")));
  };
  SftConfig sft = sft_config("run");
  sft.train.batch_size = 0;
  expect_fault("train.batch_size: expected", [&] { train_sft(sft); });
  RewardModelConfig reward = reward_config("sft/final", "run");
  reward.reward_model.centering = -1;
  expect_fault("reward_model.centering: expected", [&] { train_reward_model(reward); });
  PpoConfig ppo = ppo_config("sft/final", "rm/final", "run");
  ppo.ppo.gamma = 2;
  expect_fault("ppo.gamma: expected a number, from 0 to 1, found 2", [&] { train_ppo(ppo); });
  ppo.ppo.gamma = 1;
  ppo.rollout.temperature = -0.5;
  expect_fault("rollout.temperature: expected a number, above 0, found -0.5", [&] { train_ppo(ppo); });
  sft = sft_config("");
  sft.train.output = "";
  expect_fault("train.output: expected a folder for the run", [&] { train_sft(sft); });
  expect_fault("eval_only: expected a method that evaluates", [&] {
    train_sft(sft_config("base"));
    train_ppo(ppo_config("base/final", "", "run"), {.eval_only = true},
              reward_from_function([](const ResponseRecord&) { return 0.0F; }).get());
  });
}

TEST_F(RunMisuse, ClusterOfARun) {
  expect_misuse<ArgumentError>("RunOptions::cluster: expected dry_run with it, found a run", [&] {
    train_sft(sft_config("run"), {.cluster = Cluster{8, 1, GpuKind::h100}});
  });
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

}  // namespace
}  // namespace rlhf
