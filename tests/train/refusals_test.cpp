// What PPO refuses before it loads a weight.
#include <filesystem>
#include <string>
#include <vector>

#include "rlhf/config/read_config.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class PpoRefusals : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 1;
    train_sft(sft, {});
    RewardModelConfig reward = reward_config("sft/final", "rm");
    reward.train.max_steps = 1;
    train_reward_model(reward, {});
  }
};

TEST_F(PpoRefusals, ARewardModelThatReadsAnIdAsAnotherPiece) {
  PpoConfig config = ppo_config("sft/final", "rm/final", "ppo");
  RunOptions look;
  look.dry_run = true;
  EXPECT_NO_THROW(train_ppo(config, look));

  // As many pieces, but of other lines.
  train_tokenizer({"7*8=56", "9*9=81", "6*7=42", "8*8=64"}, {.vocab_size = 269}, path("other"));
  fs::copy_file(path("other/tokenizer.model"), path("rm/final/tokenizer.model"), fs::copy_options::overwrite_existing);
  try {
    train_ppo(config, look);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ModelError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("model.reward: " + path("rm/final") + ": expected the tokenizer of the policy (" +
                           path("sft/final") + "), found another one: id 25"),
              0U)
        << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

class MemoryRefusals : public testing::TinyRun {};

// The sizes of a Llama with 7 billion weights and more: 16 bytes each.
TEST_F(MemoryRefusals, AModelThatCannotFitLoadsNothing) {
  SftConfig config = sft_config("large");
  config.model.init = ModelInit{.hidden_size = 65536,
                                .intermediate_size = 262144,
                                .num_hidden_layers = 128,
                                .num_attention_heads = 32,
                                .num_key_value_heads = 32,
                                .max_position_embeddings = 32};
  for (const bool dry_run : {false, true}) {
    RunOptions options;
    options.dry_run = dry_run;
    try {
      train_sft(config, options);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const DeviceError& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with("memory: expected at most ")) << message;
      EXPECT_NE(message.find("train.check_memory=false"), std::string::npos) << message;
    }
    EXPECT_FALSE(fs::exists(path("large")));
  }
  config.train.check_memory = false;
  RunOptions look;
  look.dry_run = true;
  EXPECT_NO_THROW(train_sft(config, look));  // says it, and that it will not fit
}

/// Every whole number of a config at the largest value that the reader takes: a dry run answers, or refuses with the
/// code of a user's mistake.
template <typename Config, typename Train>
void expect_answers(const Config& config, const Train& train) {
  Config shape = config;
  const Section bound = bind(shape);
  for (const Leaf& leaf : leaves(bound)) {
    if (leaf.option->is_path) continue;
    Config changed = config;
    const std::string value = std::to_string(leaf.option->range.has_high() ? 1 : 2147483647);
    try {
      read_options(bind(changed), "", {leaf.path + "=" + value}, [] { return std::vector<Issue>{}; });
    } catch (const ConfigError&) {
      continue;  // no number
    }
    RunOptions look;
    look.dry_run = true;
    try {
      throw_if_any(validate(changed));
      train(changed, look);
    } catch (const Error& error) {
      EXPECT_NE(error.exit_code(), ExitCode::bug) << leaf.path << ": " << error.what();
      EXPECT_NE(error.exit_code(), ExitCode::shape) << leaf.path << ": " << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << leaf.path << ": " << error.what();
    }
  }
}

TEST_F(PpoRefusals, LargestNumbersOfEveryKeyAnswerOrAreRefused) {
  expect_answers(sft_config("x"), [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); });
  expect_answers(reward_config("sft/final", "x"),
                 [](const RewardModelConfig& c, const RunOptions& o) { train_reward_model(c, o); });
  expect_answers(ppo_config("sft/final", "rm/final", "x"),
                 [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); });
}

}  // namespace
}  // namespace rlhf
