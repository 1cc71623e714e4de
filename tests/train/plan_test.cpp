#include "rlhf/train/plan.h"

#include <gtest/gtest.h>

namespace rlhf {
namespace {

// 32000 x 4096 embedding and head apart, 32 layers of 4 x 4096² + 3 x 4096 x 11008 + 2 x 4096: Llama 2 7B has
// 6,738,415,616 parameters.
ModelShape llama2_7b() {
  return {.vocab_size = 32000,
          .hidden_size = 4096,
          .intermediate_size = 11008,
          .num_layers = 32,
          .num_heads = 32,
          .num_key_value_heads = 32,
          .head_dim = 128,
          .max_positions = 4096,
          .tied_head = false};
}

TEST(Plan, CountsTheParametersOfLlama2) { EXPECT_EQ(count_parameters(llama2_7b()), 6738415616); }

TEST(Plan, TrainedModelTakesSixteenAndABitBytesAParameter) {
  // bfloat16: 2 + master 4 + moments 8 + gradient 4; float32 is its own master: 4 + 8 + 4.
  EXPECT_EQ(model_bytes(llama2_7b(), at::kBFloat16, true), 18 * 6738415616);
  EXPECT_EQ(model_bytes(llama2_7b(), at::kFloat, true), 16 * 6738415616);
  EXPECT_EQ(model_bytes(llama2_7b(), at::kBFloat16, false), 2 * 6738415616);
}

TEST(Plan, MicroBatchHoldsTheLongestSequenceHoweverLittleMemoryThereIs) {
  EXPECT_EQ(derive_micro_batch_tokens(llama2_7b(), at::kBFloat16, 100, 0, 1000, false), 1000);
  EXPECT_EQ(derive_micro_batch_tokens(llama2_7b(), at::kBFloat16, 0, 1LL << 60, 1000, false) % 256, 0);
}

TEST(Plan, StepsOfASupervisedRunFollowFromEpochs) {
  TrainOptions train{.batch_size = 32, .epochs = 2};
  EXPECT_EQ(plan_supervised(train, 100, 512).total_steps, 8);  // 4 steps an epoch, the last of 4 samples
  train.max_steps = 3;
  EXPECT_EQ(plan_supervised(train, 100, 512).total_steps, 3);
  EXPECT_EQ(plan_supervised(train, 100, 512).summary("samples"),
            "100 samples → 3 steps of 32 (0.75 epochs), micro-batches of at most 512 tokens");
}

TEST(Plan, MemoryIsToldInUnitsThatFit) {
  const MemoryForecast forecast{{{"weights", 3LL << 29}, {"activations", 1LL << 19}}};
  EXPECT_EQ(forecast.summary(), "1.5 GiB: weights 1.5 GiB, activations 0.5 MiB");
}

TEST(Plan, PpoSaysItsArithmetic) {
  PpoConfig config;
  config.train.total_episodes = 640;
  const PpoPlan plan = plan_ppo(config, 1024);
  EXPECT_EQ(plan.rollouts, 10);
  EXPECT_EQ(plan.updates_per_rollout, 4);
  EXPECT_EQ(plan.summary(config, 48),
            "64 rollouts → 4 epochs × 1 mini-batch × 3 micro-batches = 4 policy updates, 10 times");
}

}  // namespace
}  // namespace rlhf
