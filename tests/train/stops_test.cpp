// What a saved folder says of its tokens: the ids that end a response, the pad token, added tokens.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/log.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/chat.h"
#include "support/same_bits.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::chat;

/// A base model whose EOS is "</s>", and whose chat template ends turns with "<|im_end|>", as Qwen's base models.
class Stops : public testing::SameBits {
 protected:
  void SetUp() override {
    SameBits::SetUp();
    set_log_sink([this](LogLevel level, std::string_view line) {
      if (level == LogLevel::warning) warnings_.emplace_back(line);
    });
    std::ofstream messages(path("messages.jsonl")), pairs(path("chat-pairs.jsonl")),
        prompts(path("chat-prompts.jsonl"));
    for (int a = 0; a < 5; ++a)
      for (int b = 0; b < 4; ++b) {
        const std::string question = std::to_string(a) + "+" + std::to_string(b) + "=";
        const std::string right = std::to_string(a + b), wrong = std::to_string(a + b + 1);
        messages << json{{"messages", chat({{"user", question}, {"assistant", right}})}} << "\n";
        pairs << json{{"chosen", chat({{"user", question}, {"assistant", right}})},
                      {"rejected", chat({{"user", question}, {"assistant", wrong}})}}
              << "\n";
        prompts << json{{"prompt", chat({{"user", question}})}} << "\n";
      }
  }
  void TearDown() override {
    set_log_sink({});
    SameBits::TearDown();
  }

  /// Adds ChatML's marks and template to the tokenizer.
  void give_chatml() const {
    write("tokenizer/added_tokens.json", json{{"<|im_start|>", 269}, {"<|im_end|>", 270}}.dump());
    write("tokenizer/special_tokens_map.json",
          json{{"additional_special_tokens", {"<|im_start|>", "<|im_end|>"}}}.dump());
    write(
        "tokenizer/chat_template.jinja",
        "{% for m in messages %}{{ '<|im_start|>' + m.role[0] + '\\n' + m.content + '<|im_end|>' + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>a\\n' }}{% endif %}");
  }
  void write(const std::string& name, const std::string& bytes) const { std::ofstream(path(name)) << bytes; }
  json read(const std::string& name) const { return json::parse(testing::bytes_of(path(name))); }

  SftConfig chat_sft(const std::string& output, std::int64_t steps) const {
    SftConfig config = sft_config(output);
    config.model.init->max_position_embeddings = 48;
    config.data.train = {{path("messages.jsonl")}};
    config.data.max_length = 48;
    config.train.max_steps = steps;
    config.optimizer.lr = 1e-2;
    return config;
  }
  RewardModelConfig chat_reward(const std::string& model, const std::string& output) const {
    RewardModelConfig config = reward_config(model, output);
    config.data.train = {{path("chat-pairs.jsonl")}};
    config.train.max_steps = 1;
    return config;
  }
  std::size_t warnings_with(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(warnings_.begin(), warnings_.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    }));
  }

  std::vector<std::string> warnings_;
};

TEST_F(Stops, AModelTrainedOnTurnsEndsThem) {
  give_chatml();
  train_sft(chat_sft("sft", 60));
  EXPECT_EQ(read("sft/final/config.json").at("eos_token_id"), json({2, 270}));
  EXPECT_EQ(read("sft/final/generation_config.json").at("eos_token_id"), json({2, 270}));
  EXPECT_EQ(warnings_with("chat template"), 0U);

  const ModelFolder folder = read_model_folder(path("sft/final"));
  const auto tokenizer = load_tokenizer(folder.path, folder.shape.vocab_size);
  EXPECT_EQ(stop_ids(folder, *tokenizer), (TokenIds{2, 270}));
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  const TokenIds prompt = tokenizer->encode("<|im_start|>u\n1+2=<|im_end|>\n<|im_start|>a\n", Bos::none).ids;
  const GenerationRequest request{&prompt, 0};
  const auto answer = generate(*model, {&request, 1},
                               {.max_new_tokens = 8, .temperature = 0, .stop_ids = stop_ids(folder, *tokenizer)}, 1);
  EXPECT_EQ(answer.front().finish, Finish::stop);
  EXPECT_EQ(answer.front().tokens.back(), 270);
  EXPECT_LT(answer.front().tokens.size(), 8U);

  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers";
  std::string command = std::string(python) + " " + testing::source_dir() + "/train/run_generate.py " +
                        path("sft/final") + " " + path("out.json");
  for (const std::int32_t id : prompt) command += " " + std::to_string(id);
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read("out.json").at("ids"), answer.front().tokens) << "transformers' generate stops there too";
  EXPECT_EQ(read("out.json").at("eos"), json({2, 270}));
}

TEST_F(Stops, AnEndOfPlainTextIsReportedOnce) {
  write("tokenizer/chat_template.jinja", testing::kShortChat);
  train_sft(chat_sft("sft", 1));
  EXPECT_EQ(warnings_with("expected a special token at the end of an answer, found the plain text \";\""), 1U);
  EXPECT_EQ(read("sft/final/config.json").at("eos_token_id"), 2) << "nothing else to stop at";
}

TEST_F(Stops, ARewardFolderNamesOnePadInBothFiles) {
  give_chatml();
  // As Qwen's instruct models: the pad token is one of the ids that end a response.
  write("tokenizer/tokenizer_config.json",
        json{{"add_bos_token", false}, {"eos_token", "<|im_end|>"}, {"pad_token", "</s>"}}.dump());
  train_sft(chat_sft("sft", 1));
  write("sft/final/generation_config.json", R"({"eos_token_id": [270, 2], "pad_token_id": 2, "temperature": 0.7})");
  train_reward_model(chat_reward("sft/final", "rm"));
  const json config = read("rm/final/config.json");
  const auto tokenizer = load_tokenizer(path("rm/final"));
  EXPECT_EQ(config.at("pad_token_id"), *tokenizer->pad_id());
  EXPECT_EQ(read("rm/final/tokenizer_config.json").at("pad_token"), tokenizer->piece(*tokenizer->pad_id()));
  for (const std::int32_t stop : {2, 270}) EXPECT_NE(tokenizer->pad_id(), stop);
  EXPECT_EQ(testing::bytes_of(path("rm/final/generation_config.json")),
            testing::bytes_of(path("sft/final/generation_config.json")))
      << "kept as it is, with its temperature";

  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers";
  const std::string command = std::string(python) + " " + testing::source_dir() + "/train/score_padded.py " +
                              path("rm/final") + " '<|im_start|>u 1+2=<|im_end|>' '<|im_start|>u 12<|im_end|>' '1</s>'";
  EXPECT_EQ(std::system(command.c_str()), 0) << "scores alone and padded differ";
}

TEST_F(Stops, TokensCanBeAdded) {
  SftConfig base = chat_sft("base", 1);
  base.data.train = {{path("demonstrations.jsonl")}};
  train_sft(base);
  SftConfig config = chat_sft("sft", 3);
  config.model.init.reset();
  config.model.tokenizer.clear();
  config.model.path = path("base/final");
  config.model.add_tokens = {"<|im_start|>", "</s>", "<|im_end|>"};
  config.model.eos_token = "<|im_end|>";
  write("chatml.jinja",
        "{% for m in messages %}<|im_start|>{{ m.role[0] }}{{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>a{% endif %}");
  config.data.chat_template = path("chatml.jinja");
  const auto train = [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); };
  expect_same_bits(config, "sft", 3, train, {"final"});

  config.train.output = path("sft-added");
  train_sft(config);
  const ModelFolder folder = read_model_folder(path("sft-added/final"));
  EXPECT_EQ(folder.shape.vocab_size, 271);
  EXPECT_EQ(folder.eos_ids, (TokenIds{270, 2}));
  const auto tokenizer = load_tokenizer(folder.path, folder.shape.vocab_size);
  EXPECT_EQ(tokenizer->eos_id(), 270);
  EXPECT_EQ(tokenizer->encode("<|im_start|><|im_end|></s>", Bos::none).ids, (TokenIds{269, 270, 2}));
  EXPECT_EQ(load_causal_lm(folder, at::kCPU, at::kFloat, false)->head().size(0), 271);

  // The other stages on such a folder.
  train_reward_model(chat_reward("sft-added/final", "rm"));
  PpoConfig ppo = ppo_config("sft-added/final", "rm/final", "ppo");
  ppo.data.prompts = {path("chat-prompts.jsonl")};
  ppo.train.total_episodes = 8;
  train_ppo(ppo);
  EXPECT_EQ(read_model_folder(path("ppo/final")).eos_ids, (TokenIds{270, 2}));
  EXPECT_EQ(read_model_folder(path("ppo/final-value")).shape.vocab_size, 271);

  config.model.eos_token = "<|imend|>";
  config.train.output = path("typo");
  EXPECT_THROW(train_sft(config), ConfigError);
  EXPECT_FALSE(fs::exists(path("typo")));
}

TEST_F(Stops, ARolloutInWhichNothingEndsIsReportedOnce) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  warnings_.clear();
  PpoConfig ppo = ppo_config("sft/final", "", "ppo");
  ppo.rollout.max_new_tokens = 1;
  ppo.train.total_episodes = 24;
  const auto reward = reward_from_function([](const ResponseRecord&) { return 1.0f; });
  train_ppo(ppo, {}, reward.get());
  EXPECT_EQ(warnings_with("NO RESPONSE ENDED in a whole rollout of 8"), 1U);
}

TEST_F(Stops, AModelWithTheWrongHeadIsNamed) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 1;
  train_reward_model(reward);
  const auto refusal = [&](const auto& run) -> std::string {
    try {
      run();
    } catch (const ModelError& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto has = [](const std::string& text, const std::string& part) { return text.find(part) != text.npos; };
  std::string said = refusal([&] { train_ppo(ppo_config("rm/final", "rm/final", "ppo")); });
  EXPECT_TRUE(has(said, "model.policy: ") && has(said, "expected a language model, found one with a scalar head"))
      << said;
  said = refusal([&] { train_ppo(ppo_config("sft/final", "sft/final", "ppo")); });
  EXPECT_TRUE(has(said, "model.reward: ") && has(said, "expected a model with a scalar head")) << said;
  sft.model.init.reset();
  sft.model.tokenizer.clear();
  sft.model.path = path("rm/final");
  sft.train.output = path("sft2");
  said = refusal([&] { train_sft(sft); });
  EXPECT_TRUE(has(said, "model.path: ") && has(said, "rlhf-sft trains language models")) << said;
}

}  // namespace
}  // namespace rlhf
