// The three stages on records of messages.
#include <algorithm>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/chat.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::bytes_of;
using testing::chat;
using testing::kShortChat;
using testing::timeless_metrics;
namespace fs = std::filesystem;

class Conversations : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    std::ofstream messages(path("messages.jsonl")), pairs(path("chat-pairs.jsonl")),
        prompts(path("chat-prompts.jsonl"));
    for (int a = 0; a < 5; ++a)
      for (int b = 0; b < 4; ++b) {
        const std::string question = std::to_string(a) + "+" + std::to_string(b) + "=";
        const std::string right = std::to_string(a + b), wrong = std::to_string(a + b + 1);
        const auto asked = chat({{"user", question}});
        messages << nlohmann::ordered_json{{"messages", chat({{"user", question}, {"assistant", right}})}} << "\n";
        pairs << nlohmann::ordered_json{{"chosen", chat({{"user", question}, {"assistant", right}})},
                                        {"rejected", chat({{"user", question}, {"assistant", wrong}})}}
              << "\n";
        prompts << nlohmann::ordered_json{{"prompt", asked}} << "\n";
      }
  }
  void give_template() const { std::ofstream(path("tokenizer/chat_template.jinja")) << kShortChat; }

  SftConfig chat_sft(const std::string& output) const {
    SftConfig config = sft_config(output);
    config.data.train = {{path("messages.jsonl")}};
    config.train.max_steps = 2;
    return config;
  }
};

TEST_F(Conversations, GoThroughAllThreeStagesWithTheFoldersTemplate) {
  give_template();
  train_sft(chat_sft("sft"));
  EXPECT_EQ(bytes_of(path("sft/final/chat_template.jinja")), kShortChat);
  EXPECT_FALSE(fs::exists(path("sft/final/rlhf.json"))) << "a prompt template has no part in this";

  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.data.train = {{path("chat-pairs.jsonl")}};
  reward.train.max_steps = 2;
  train_reward_model(reward);
  EXPECT_EQ(bytes_of(path("rm/final/chat_template.jinja")), kShortChat);
  EXPECT_EQ(timeless_metrics(path("rm")).back()["num_pairs"], 8);

  PpoConfig ppo = ppo_config("sft/final", "rm/final", "ppo");
  ppo.data.prompts = {path("chat-prompts.jsonl")};
  ppo.train.total_episodes = 16;
  train_ppo(ppo);
  std::ifstream samples(path("ppo/samples.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(samples, line));
  const auto sample = nlohmann::json::parse(line);
  const std::string prompt = sample.at("prompt");
  EXPECT_TRUE(prompt.starts_with("<u>") && prompt.ends_with("=;\n<a>")) << prompt;
  EXPECT_EQ(sample.at("record").at("prompt")[0].at("role"), "user");
  EXPECT_EQ(bytes_of(path("ppo/final/chat_template.jinja")), kShortChat);
}

// transformers takes the padding off the end of a text, and would not see what ended it.
TEST_F(Conversations, ARewardModelIsPaddedWithNothingThatEndsAnAnswer) {
  give_template();
  train_sft(chat_sft("sft"));
  const auto tokenizer = load_tokenizer(path("sft/final"));
  const nlohmann::json ends = {*tokenizer->eos_id(), *tokenizer->unknown_id(), tokenizer->vocab_size() - 1};
  std::ofstream(path("sft/final/generation_config.json")) << nlohmann::json{{"eos_token_id", ends}};
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.data.train = {{path("chat-pairs.jsonl")}};
  reward.train.max_steps = 1;
  train_reward_model(reward);
  const auto pad = nlohmann::json::parse(bytes_of(path("rm/final/config.json"))).at("pad_token_id");
  EXPECT_EQ(std::count(ends.begin(), ends.end(), pad), 0) << pad;
}

TEST_F(Conversations, TakeATemplateThatWasSaidAlong) {
  std::ofstream(path("mine.jinja")) << kShortChat;
  SftConfig config = chat_sft("sft");
  config.data.chat_template = path("mine.jinja");
  train_sft(config);
  EXPECT_EQ(bytes_of(path("sft/final/chat_template.jinja")), kShortChat);
}

TEST_F(Conversations, WithoutATemplateEndBeforeAnythingIsWritten) {
  EXPECT_THROW(train_sft(chat_sft("sft")), ConfigError);
  EXPECT_FALSE(fs::exists(path("sft")));
}

TEST_F(Conversations, ACacheGivesTheSameRun) {
  give_template();
  SftConfig config = chat_sft("plain");
  train_sft(config);
  config.data.cache = path("cache");
  for (const char* output : {"first", "second"}) {
    config.train.output = path(output);
    train_sft(config);
    EXPECT_EQ(bytes_of(path(output) + "/final/model.safetensors"), bytes_of(path("plain/final/model.safetensors")));
  }
}

}  // namespace
}  // namespace rlhf
