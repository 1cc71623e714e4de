#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/dpo_config.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/config/reward_model_config.h"
#include "rlhf/config/sft_config.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/temporary_folder.h"

namespace rlhf::testing {

namespace fs = std::filesystem;

/// A folder of one test with a tokenizer and small data files, and configs that train a tiny model on them in seconds.
class TinyRun : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<std::string> lines;
    std::ofstream demonstrations(path("demonstrations.jsonl")), pairs(path("pairs.jsonl")),
        prompts(path("prompts.jsonl"));
    for (int a = 0; a < 5; ++a)
      for (int b = 0; b < 4; ++b) {
        const std::string question = std::to_string(a) + "+" + std::to_string(b) + "=";
        const std::string right = std::to_string(a + b), wrong = std::to_string(a + b + 1);
        lines.push_back(question + right);
        demonstrations << nlohmann::json{{"prompt", question}, {"completion", right}} << "\n";
        pairs << nlohmann::json{{"prompt", question}, {"chosen", right}, {"rejected", wrong}} << "\n";
        prompts << nlohmann::json{{"prompt", question}} << "\n";
      }
    train_tokenizer(lines, {.vocab_size = 269}, path("tokenizer"));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  SftConfig sft_config(const std::string& output) const {
    SftConfig config;
    config.model.init = ModelInit{.hidden_size = 32,
                                  .intermediate_size = 64,
                                  .num_hidden_layers = 2,
                                  .num_attention_heads = 2,
                                  .num_key_value_heads = 1,
                                  .max_position_embeddings = 32};
    config.model.tokenizer = path("tokenizer");
    config.data.train = {{path("demonstrations.jsonl")}};
    config.data.max_length = 32;
    config.log.samples_every_steps = 2;
    common(config, output);
    return config;
  }

  RewardModelConfig reward_config(const std::string& model, const std::string& output) const {
    RewardModelConfig config;
    config.model.path = path(model);
    config.data.train = {{path("pairs.jsonl")}};
    config.data.max_length = 32;
    common(config, output);
    return config;
  }

  DpoConfig dpo_config(const std::string& model, const std::string& output) const {
    DpoConfig config;
    config.model.path = path(model);
    config.data.train = {{path("pairs.jsonl")}};
    config.data.max_length = 32;
    config.log.samples_every_steps = 2;
    common(config, output);
    return config;
  }

  PpoConfig ppo_config(const std::string& policy, const std::string& reward, const std::string& output) const {
    PpoConfig config;
    config.model = {.policy = path(policy), .reward = reward.empty() ? "" : path(reward)};
    config.data.prompts = {path("prompts.jsonl")};
    config.rollout.batch_size = 8;
    config.rollout.max_new_tokens = 4;
    config.ppo.num_ppo_epochs = 2;
    config.ppo.num_mini_batches = 2;
    config.train.total_episodes = 32;
    config.train.output = path(output);
    config.train.device = DeviceChoice::cpu;
    config.train.dtype = DtypeChoice::float32;
    config.optimizer.lr = config.value_optimizer.lr = 1e-3;
    config.log.samples_every_steps = 1;
    return config;
  }

 private:
  template <typename Config>
  void common(Config& config, const std::string& output) const {
    config.train.output = path(output);
    config.train.batch_size = 8;
    config.train.device = DeviceChoice::cpu;
    config.train.dtype = DtypeChoice::float32;
    config.optimizer.lr = 3e-3;
  }

  TemporaryFolder folder_;
};

/// metrics.jsonl without what depends on the clock.
inline std::vector<nlohmann::json> timeless_metrics(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto all = nlohmann::json::parse(line);
    nlohmann::json kept;
    for (const auto& [name, value] : all.items())
      if (!name.starts_with("time/") && !name.starts_with("perf/")) kept[name] = value;
    lines.push_back(kept);
  }
  return lines;
}

inline std::string bytes_of(const fs::path& file) { return read_file(file, ExitCode::data); }

}  // namespace rlhf::testing
