#include "rlhf/tensor/work_counters.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;
using testing::TinyRun;

/// What no clock shows: how much was computed for what was asked.
class Work : public TinyRun {};

TEST_F(Work, OfFineTuningHasNoPaddingAndOneRowOfLogitsPerLabel) {
  SftConfig config = sft_config("sft");
  config.train.max_steps = 6;
  const WorkCounters work = train_sft(config).work;
  ASSERT_GT(work.label_rows, 0);
  EXPECT_EQ(work.processed_tokens, work.useful_tokens);
  EXPECT_EQ(work.head_rows, work.label_rows);
}

TEST_F(Work, OfARewardModelComputesSharedPromptsOnceAndNoLogits) {
  train_sft(sft_config("sft"));
  RewardModelConfig config = reward_config("sft/final", "rm");
  config.train.max_steps = 6;
  const WorkCounters work = train_reward_model(config).work;
  EXPECT_LT(work.processed_tokens, work.useful_tokens);
  EXPECT_EQ(work.head_rows, 0);
}

TEST_F(Work, OfPpoIsSpentOnNothingTwice) {
  train_sft(sft_config("sft"));
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  PpoConfig config = ppo_config("sft/final", "rm/final", "ppo");
  config.rollout.num_samples_per_prompt = 4;
  config.ppo.num_mini_batches = 1;
  const WorkCounters work = train_ppo(config).work;
  EXPECT_EQ(work.processed_tokens, work.useful_tokens);
  EXPECT_EQ(work.head_rows, work.label_rows);
  EXPECT_EQ(work.prefill_tokens, work.prompt_tokens);
  // The first token of an answer comes from its prompt's pass, every other one from one row of one decode.
  EXPECT_EQ(work.emitted_tokens - work.decode_row_steps, config.train.total_episodes);
  // A row of the cache: key and value, in two layers, of one head of 16 floats.
  EXPECT_EQ(work.cache_bytes, work.decode_row_steps * 2 * 2 * 16 * 4);
  for (const auto& line : timeless_metrics(path("ppo"))) {
    EXPECT_EQ(line.at("rollout/extra_forwards").get<int>(), 0);
  }
}

TEST_F(Work, IsSummarisedAsRatios) {
  EXPECT_EQ(WorkCounters().summary(), "");
  EXPECT_EQ((WorkCounters{.processed_tokens = 3, .useful_tokens = 4, .head_rows = 7, .label_rows = 7}).summary(),
            "0.750 processed tokens per useful one, 1.000 head rows per label");
}

}  // namespace
}  // namespace rlhf
