// How often a step stops the host until the device is done, and how often it copies to the device.
#include "rlhf/core/log.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "pretend_device.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::Traffic;
using testing::traffic;

class Transfers : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    device_ = testing::test_accelerator();
    if (device_.is_cuda()) GTEST_SKIP() << "transfers are counted on the pretend device";
    set_log_sink([](LogLevel, std::string_view) {});
  }
  void TearDown() override {
    set_log_sink({});
    TinyRun::TearDown();
  }

  /// What one step adds: a run of three steps less a run of two.
  template <typename Run>
  Traffic of_one_step(const Run& run) {
    const Traffic begin = traffic();
    run(2);
    const Traffic middle = traffic();
    run(3);
    return (traffic() - middle) - (middle - begin);
  }

  template <typename Config>
  Config quiet(Config config) {
    config.train.device = DeviceChoice::cuda;
    config.train.dtype = DtypeChoice::bfloat16;
    config.train.micro_batch_tokens = 64;
    config.log.samples_every_steps = 0;
    config.train.output = path("run-" + std::to_string(++runs_));
    return config;
  }

  at::Device device_ = at::kCPU;
  int runs_ = 0;
};

TEST_F(Transfers, AnSftStepReadsItsMetricsOnce) {
  const Traffic added = of_one_step([&](std::int64_t steps) {
    SftConfig config = quiet(sft_config(""));
    config.train.max_steps = steps;
    train_sft(config);
  });
  EXPECT_EQ(added.text(), "copy to the host 1");
}

TEST_F(Transfers, ARewardModelStepReadsItsMetricsOnce) {
  train_sft(sft_config("base"));
  const Traffic added = of_one_step([&](std::int64_t steps) {
    RewardModelConfig config = quiet(reward_config("base/final", ""));
    config.train.max_steps = steps;
    train_reward_model(config);
  });
  EXPECT_EQ(added.text(), "copy to the host 1");
}

TEST_F(Transfers, APpoStepReadsAFixedNumberOfTimes) {
  train_sft(sft_config("base"));
  train_reward_model(reward_config("base/final", "rm"));
  const auto stops = [&](std::int64_t new_tokens, std::int64_t micro_batch_tokens) {
    const Traffic added = of_one_step([&](std::int64_t steps) {
      PpoConfig config = quiet(ppo_config("base/final", "rm/final", ""));
      config.rollout.max_new_tokens = new_tokens;
      config.data.max_prompt_length = 16;
      config.train.micro_batch_tokens = micro_batch_tokens;
      config.train.total_episodes = steps * config.rollout.batch_size;
      train_ppo(config);
    });
    return added.text();
  };
  // One per token; texts, scores and metrics; three readings of the clock.
  EXPECT_EQ(stops(4, 64), "copy to the host 7, synchronize 3");
  EXPECT_EQ(stops(6, 64), "copy to the host 9, synchronize 3");
  EXPECT_EQ(stops(4, 22), "copy to the host 7, synchronize 3");
}

TEST_F(Transfers, DecodingReadsOncePerToken) {
  train_sft(sft_config("base"));
  const auto model = load_causal_lm(read_model_folder(path("base/final")), device_, at::kBFloat16, false);
  const std::vector<TokenIds> prompts = {{5, 6, 7}, {9}, {40, 41, 42}};
  std::vector<GenerationRequest> requests;
  for (const TokenIds& prompt : prompts) requests.push_back({&prompt, requests.size()});
  const auto of = [&](std::int64_t tokens) {
    const Traffic before = traffic();
    generate(*model, requests, {.max_new_tokens = tokens, .temperature = 0.7, .top_p = 0.9, .top_k = 20}, 3);
    return traffic() - before;
  };
  const Traffic few = of(3), many = of(4);
  EXPECT_EQ(few.text(), "copy to the host 3");
  EXPECT_EQ(many.text(), "copy to the host 4");
  EXPECT_EQ(many.uploads - few.uploads, 3);  // tokens, rows and positions, random numbers
}

}  // namespace
}  // namespace rlhf
