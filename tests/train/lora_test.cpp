// Runs that train adapters: what they load, change, keep in checkpoints and save.
#include <cmath>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/log.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/misuse.h"
#include "support/same_bits.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;

class Lora : public testing::SameBits {
 protected:
  /// A base model of all weights.
  void make_base(const std::string& name = "base") {
    SftConfig config = sft_config(name);
    config.train.max_steps = 40;
    config.optimizer.lr = 1e-2;
    train_sft(config);
  }
  SftConfig adapter_config(const std::string& output) {
    SftConfig config = sft_config(output);
    config.model = {.path = path("base/final"), .lora = LoraOptions{.rank = 4}};
    config.train.max_steps = 5;
    return config;
  }
  RewardModelConfig reward_adapter_config(const std::string& output) {
    RewardModelConfig config = reward_config("base/final", output);
    config.model.lora = LoraOptions{.rank = 4};
    config.train.max_steps = 4;
    return config;
  }
  std::set<std::string> names_in(const std::string& file) {
    std::set<std::string> names;
    const SafetensorsFile opened(path(file));
    for (const auto& [name, entry] : opened.entries()) names.insert(name);
    return names;
  }
};

const auto kTrainSft = [](const SftConfig& config, const RunOptions& options) { train_sft(config, options); };
const auto kTrainReward = [](const RewardModelConfig& config, const RunOptions& options) {
  train_reward_model(config, options);
};
const auto kTrainPpo = [](const PpoConfig& config, const RunOptions& options) { train_ppo(config, options); };

TEST_F(Lora, SftWithDropoutRecomputedLayersAndByteMomentsEndsWithTheSameBits) {
  make_base();
  SftConfig config = adapter_config("");
  config.model.lora->dropout = 0.2;
  config.train.recompute = true;
  config.optimizer.moments = MomentDtype::int8;
  expect_same_bits(config, "sft", 5, kTrainSft, {"final"});
  expect_same_bits_after_loss(config, "sft", kTrainSft, {"final"});
}

TEST_F(Lora, CheckpointsAndResultsHoldAdaptersOnly) {
  make_base();
  SftConfig config = adapter_config("run");
  config.checkpoint.every_steps = 5;
  config.model.lora->targets = {"q_proj", "down_proj"};
  train_sft(config);
  std::set<std::string> saved, kept = {"step_count"};
  for (const std::string layer : {"0", "1"})
    for (const std::string part : {"self_attn.q_proj", "mlp.down_proj"})
      for (const std::string matrix : {".lora_A.weight", ".lora_B.weight"}) {
        saved.insert("base_model.model.model.layers." + layer + "." + part + matrix);
        const std::string fused = part == "self_attn.q_proj" ? "query_key_value" : part;
        for (const std::string moment : {"", ".exp_avg", ".exp_avg_sq"})
          kept.insert("model.layers." + layer + "." + fused + matrix + moment);
      }
  EXPECT_EQ(names_in("run/final/adapter_model.safetensors"), saved);
  EXPECT_EQ(names_in("run/checkpoints/step-000005/optimizer.safetensors"), kept);
}

TEST_F(Lora, ThePlanSaysHowManyWeightsAreTrained) {
  make_base();
  std::string lines;
  set_log_sink([&](LogLevel, std::string_view line) { lines += std::string(line) + "\n"; });
  SftConfig config = adapter_config("run");
  train_sft(config);
  set_log_sink({});
  // q 32→32, k and v 32→16, o 32→32, gate and up 32→64, down 64→32, times the rank; two layers.
  const std::int64_t trained = 2 * 4 * (64 + 48 + 48 + 64 + 96 + 96 + 96);
  EXPECT_NE(lines.find("adapter: rank 4, " + std::to_string(trained) + " of "), std::string::npos) << lines;
}

TEST_F(Lora, LowersTheLossAndTheAdapterIsTrainedFurther) {
  make_base();
  std::ofstream others(path("others.jsonl"));  // answers that the base was not trained on
  for (int a = 0; a < 5; ++a)
    others << nlohmann::json{{"prompt", std::to_string(a) + "+1="}, {"completion", std::to_string(9 - a)}} << "\n";
  others.close();
  SftConfig config = adapter_config("first");
  config.data.train = {{path("others.jsonl")}};
  config.model.lora->rank = 16;
  config.train.max_steps = 100;
  config.optimizer.lr = 2e-2;
  train_sft(config);
  const auto first = timeless_metrics(path("first"));
  EXPECT_LT(first.back()["loss"].get<double>(), 0.8 * first.front()["loss"].get<double>());
  config.model = {.path = path("first/final")};
  config.train.output = path("second");
  train_sft(config);
  const auto second = timeless_metrics(path("second"));
  EXPECT_LT(second.front()["loss"].get<double>(), 0.9 * first.front()["loss"].get<double>());
  EXPECT_EQ(read_model_folder(path("second/final")).adapter->options.rank, 16);
  EXPECT_TRUE(testing::fs::equivalent(read_model_folder(path("second/final")).base, path("base/final")));
}

TEST_F(Lora, RecomputedLayersGiveTheRunTheSameBits) {
  SftConfig config = sft_config("plain");
  config.train.max_steps = 4;
  train_sft(config);
  config.train.recompute = true;
  config.train.output = path("recomputed");
  train_sft(config);
  expect_equal_runs(path("plain"), path("recomputed"), {"final"});
}

TEST_F(Lora, TheReferenceOfDpoIsTheModelWithoutTheAdapter) {
  make_base();
  DpoConfig config = dpo_config("base/final", "dpo");
  config.model.lora = LoraOptions{.rank = 4};
  config.train.max_steps = 20;
  config.optimizer.lr = 1e-2;
  train_dpo(config);
  const auto metrics = timeless_metrics(path("dpo"));
  EXPECT_EQ(metrics.front()["rewards/margins"].get<double>(), 0);  // a new adapter changes nothing
  EXPECT_GT(metrics.back()["rewards/margins"].get<double>(), 0.01);
}

TEST_F(Lora, PpoOnOneSharedTrunkEndsWithTheSameBits) {
  make_base();
  train_sft(adapter_config("sft"));
  train_reward_model(reward_adapter_config("rm"));
  PpoConfig config = ppo_config("sft/final", "rm/final", "");
  config.model.shared_trunk = true;
  config.train.recompute = true;
  expect_same_bits(config, "ppo", 4, kTrainPpo, {"final", "final-value"});
  expect_same_bits_after_loss(config, "ppo", kTrainPpo, {"final", "final-value"});
  const auto metrics = timeless_metrics(path("ppo-straight"));
  // The reference is the policy of the start: base and the adapter of rlhf-sft.
  EXPECT_NEAR(metrics.front()["objective/kl"].get<double>(), 0, 1e-5);
  EXPECT_GT(std::abs(metrics.back()["objective/kl"].get<double>()), 1e-4);  // an estimate, which may be negative
  EXPECT_TRUE(read_model_folder(path("ppo-straight/final-value")).scalar_head);
  EXPECT_TRUE(read_model_folder(path("ppo-straight/final-value")).adapter);
}

TEST_F(Lora, PpoOnASharedTrunkIsPpoOnSeparateOnes) {
  // The same adapters over two copies of the base give the same run: nothing leaks between models that share weights.
  make_base();
  train_sft(adapter_config("sft"));
  testing::fs::copy(path("base/final"), path("copy"));
  RewardModelConfig reward = reward_adapter_config("rm");
  train_reward_model(reward);
  reward.model.path = path("copy");
  reward.train.output = path("rm-of-copy");
  train_reward_model(reward);
  PpoConfig config = ppo_config("sft/final", "rm/final", "shared");
  train_ppo(config);
  config.model.reward = path("rm-of-copy/final");
  config.train.output = path("separate");
  train_ppo(config);
  EXPECT_EQ(timeless_metrics(path("shared")), timeless_metrics(path("separate")));
}

TEST_F(Lora, PpoRefusesASharedTrunkOfTwoModels) {
  make_base();
  train_sft(adapter_config("sft"));
  RewardModelConfig reward = reward_config("base/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  PpoConfig config = ppo_config("sft/final", "rm/final", "ppo");
  config.model.shared_trunk = true;
  testing::expect_misuse<ConfigError>("model.shared_trunk: expected adapters of " + path("base/final"),
                                      [&] { train_ppo(config); });
  train_reward_model(reward_adapter_config("rm-adapter"));
  config = ppo_config("sft/final", "rm-adapter/final", "ppo");
  config.model.shared_trunk = true;
  config.model.reward_ensemble = {path("rm-adapter/final"), path("rm/final")};
  testing::expect_misuse<ConfigError>("found model.reward_ensemble[1] = " + path("rm/final") + ", no adapter",
                                      [&] { train_ppo(config); });
  config = ppo_config("base/final", "rm/final", "ppo");
  config.model.shared_trunk = true;
  testing::expect_misuse<ConfigError>("model.shared_trunk: expected model.lora", [&] { train_ppo(config); });
  config.model.shared_trunk = false;
  config.model.lora = LoraOptions{.rank = 2};  // the value model is then an adapter of the reward model
  train_ppo(config);
  EXPECT_TRUE(testing::fs::equivalent(read_model_folder(path("ppo/final-value")).base, path("rm/final")));
}

TEST_F(Lora, RefusesWhatAnAdapterCannotTrain) {
  make_base();
  train_sft(adapter_config("sft"));
  SftConfig config = adapter_config("run");
  config.model.path = path("sft/final");
  testing::expect_misuse<ConfigError>("model.lora: expected none", [&] { train_sft(config); });
  config.model = {.path = path("sft/final"), .add_tokens = {"<|x|>"}};
  testing::expect_misuse<ConfigError>("model.add_tokens: expected none", [&] { train_sft(config); });
  config.model = {.path = path("sft/final"), .allow_missing_head = true};
  testing::expect_misuse<ConfigError>("model.allow_missing_head: expected false", [&] { train_sft(config); });
  config = adapter_config("run");
  config.model.lora->targets = {"query"};
  testing::expect_misuse<ConfigError>("model.lora.targets", [&] { train_sft(config); });
}

TEST(LoraPlan, CountsSharedWeightsOnce) {
  // 2 layers of 4·32² + 3·32·64 … in float32; the numbers follow from the shape.
  ModelFolder folder;
  folder.shape = {.vocab_size = 100,
                  .hidden_size = 32,
                  .intermediate_size = 64,
                  .num_layers = 2,
                  .num_heads = 2,
                  .num_key_value_heads = 2,
                  .head_dim = 16,
                  .max_positions = 32,
                  .tied_head = true};
  folder.path = folder.base = "model";
  const std::int64_t count = count_parameters(folder.shape);
  EXPECT_EQ(count, 100 * 32 + 2 * (4 * 32 * 32 + 3 * 32 * 64 + 2 * 32) + 32);
  ModelMemory memory(at::kFloat);
  EXPECT_EQ(memory.weights(folder, /*trained=*/true), 4 * count);   // trained: it is its own
  EXPECT_EQ(memory.weights(folder, /*trained=*/false), 4 * count);  // the first that shares
  EXPECT_EQ(memory.weights(folder, /*trained=*/false), 0);
  EXPECT_EQ(memory.training(folder, {}), 12 * count);
  EXPECT_EQ(memory.training(folder, {.moments = MomentDtype::int8}), 6 * count + count / 32);
}

}  // namespace
}  // namespace rlhf
