#include "rlhf/train/plan.h"

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

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

// OPT-13B (arXiv:2205.01068) has 12,853,473,280 weights with its biases and positions, which are not counted.
TEST(Plan, CountsTwoMatricesOfAFeedForwardPartWithoutAGate) {
  const ModelShape opt{.vocab_size = 50272,
                       .hidden_size = 5120,
                       .intermediate_size = 4 * 5120,
                       .num_layers = 40,
                       .num_heads = 40,
                       .num_key_value_heads = 40,
                       .head_dim = 128,
                       .tied_head = true,
                       .gated = false};
  EXPECT_NEAR(static_cast<double>(count_parameters(opt)) / 12'853'473'280, 1, 2e-3);
}

TEST(Plan, TrainedModelTakesSixteenAndABitBytesAParameter) {
  // bfloat16: 2 + master 4 + moments 8 + gradient 4; float32 is its own master: 4 + 8 + 4.
  const std::int64_t count = count_parameters(llama2_7b());
  EXPECT_EQ(weight_bytes(count, at::kBFloat16) + training_bytes(count, at::kBFloat16), 18 * 6738415616);
  EXPECT_EQ(weight_bytes(count, at::kFloat) + training_bytes(count, at::kFloat), 16 * 6738415616);
  EXPECT_EQ(weight_bytes(count, at::kBFloat16), 2 * 6738415616);
}

// 64 ranks, 7.5 billion weights: the figures of ZeRO (arXiv:1910.02054, figure 1) are 120, 31.4 and 16.6 GB, with
// gradients of 2 bytes, where these have 4.
TEST(Plan, ShardsDivideMastersMomentsAndGradients) {
  constexpr std::int64_t kCount = 7'500'000'000;
  const auto model = [](StateShards shards) {
    return weight_bytes(kCount, at::kBFloat16) + training_bytes(kCount, at::kBFloat16, MomentDtype::float32, shards);
  };
  EXPECT_EQ(model({}), 120'000'000'000 + 2 * kCount);
  EXPECT_NEAR(static_cast<double>(model({.states = 64})), 31.4e9 + 2.0 * kCount, 0.01e9);
  EXPECT_NEAR(static_cast<double>(model({.states = 64, .gradients = 64})), 16.6e9 + 2.0 * kCount / 64, 0.05e9);
}

// Layers of 4 · 4096² + 3 · 4096 · 11008 + 2 · 4096 weights; embedding, head and last norm are outside of them.
TEST(Plan, DividedWeightsAreLentWholeWhereThereIsMemory) {
  ModelFolder folder;
  folder.shape = llama2_7b();
  MemoryForecast forecast{{{"activations", 1'000'000'000}}};
  ModelMemory whole(at::kBFloat16), divided(at::kBFloat16, {.states = 8, .gradients = 8, .weights = 8});
  EXPECT_EQ(divided.weights(folder, /*trained=*/true), whole.weights(folder, /*trained=*/true) / 8);
  whole.add_lent(forecast);
  EXPECT_EQ(forecast.lent_whole, 0);
  divided.add_lent(forecast);
  EXPECT_EQ(forecast.lent_whole, 2 * 6738415616);
  EXPECT_EQ(forecast.lent_layers, 2 * (2 * 32000LL * 4096 + 4096 + 2 * 202383360LL));
  EXPECT_TRUE(lends_whole(forecast, {.bytes = 15'000'000'000}));
  EXPECT_FALSE(lends_whole(forecast, {.bytes = 14'000'000'000}));
  add_lent(forecast, /*whole=*/false);
  EXPECT_EQ(forecast.total(), 1'000'000'000 + forecast.lent_layers);
}

TEST(Plan, OffloadedWeightsAreOnTheDeviceOnlyWhileTheyAreUsed) {
  ModelFolder folder;
  folder.shape = llama2_7b();
  folder.path = folder.base = "a";
  ModelMemory memory(at::kBFloat16, {}, /*offloads=*/true);
  EXPECT_EQ(memory.weights(folder, /*trained=*/true), 2 * 6738415616);
  folder.path = folder.base = "b";
  EXPECT_EQ(memory.weights(folder, /*trained=*/false), 0);
  MemoryForecast forecast;
  memory.add_lent(forecast);
  EXPECT_EQ(forecast.lent_whole, 2 * 6738415616);
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

TEST(Plan, ForecastsOfHugeSizesDoNotOverflow) {
  const std::int64_t huge = 2147483647;
  const ModelShape shape{.vocab_size = huge,
                         .hidden_size = huge,
                         .intermediate_size = huge,
                         .num_layers = huge,
                         .num_heads = huge,
                         .num_key_value_heads = huge,
                         .head_dim = huge,
                         .max_positions = huge,
                         .tied_head = false};
  const std::int64_t most = std::int64_t{1} << 59;
  EXPECT_EQ(count_parameters(shape), most);
  EXPECT_EQ(weight_bytes(most, at::kBFloat16), most);
  EXPECT_EQ(training_bytes(most, at::kBFloat16), most);
  EXPECT_EQ(kv_cache_bytes(shape, at::kFloat, huge), most);
  EXPECT_EQ(times(huge, most), most);
  EXPECT_EQ(times(1000, 1000), 1000000);
  const MemoryForecast forecast{{{"a", most}, {"b", most}, {"c", most}, {"d", most}, {"e", most}, {"f", most}}};
  EXPECT_EQ(forecast.total(), 6 * most);
}

TEST(Plan, TheLargestPhaseCountsWithATenthMore) {
  const auto part = largest_phase({{"rollout", 100}, {"update", 1000}, {"save", 10}});
  EXPECT_EQ(part.first, "update");
  EXPECT_EQ(part.second, 1100);
}

TEST(Plan, WhatCannotFitIsRefusedWithPartsAndKeys) {
  MemoryForecast forecast{{{"weights", std::int64_t{3} << 30}, {"activations", std::int64_t{2} << 30}}};
  forecast.keys = {"train.micro_batch_tokens", "data.max_length"};
  EXPECT_NO_THROW(check_memory(forecast, {std::int64_t{5} << 30, "x"}, true));
  EXPECT_NO_THROW(check_memory(forecast, {1, "x"}, false));
  try {
    check_memory(forecast, {std::int64_t{4} << 30, "memory.max of the cgroup"}, true);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::device);
    EXPECT_STREQ(
        error.what(),
        "memory: expected at most 4.0 GiB (memory.max of the cgroup), found a forecast of 5.0 GiB: weights 3.0 "
        "GiB, activations 2.0 GiB; hint: lower train.micro_batch_tokens, data.max_length or the size of the "
        "model, or run anyway with train.check_memory=false");
  }
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

TEST(Plan, PpoRoundsTheNumberOfEpisodesUpAndSaysSo) {
  PpoConfig config;
  config.train.total_episodes = 100;
  const PpoPlan plan = plan_ppo(config, 1024);
  EXPECT_EQ(plan.rollouts, 2);
  EXPECT_EQ(plan.summary(config, 48),
            "64 rollouts → 4 epochs × 1 mini-batch × 3 micro-batches = 4 policy updates, 2 times (128 episodes instead "
            "of train.total_episodes = 100, which is no multiple of rollout.batch_size = 64)");
}

}  // namespace
}  // namespace rlhf
