#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/source_dir.h"
#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

using nlohmann::json;

/// A tiny model and a reward model beside it, both almost untrained, so that answers are noise.
class Generate : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    const std::string sizes =
        "'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, num_key_value_heads: 1, "
        "max_position_embeddings: 64}' model.tokenizer=" +
        path("tokenizer");
    const std::string common = " train.max_steps=1 train.batch_size=4 train.device=cpu data.max_length=32";
    run("rlhf-sft " + sizes + " data.train=[" + path("demonstrations.jsonl") + "] train.output=" + path("sft") +
        common);
    run("rlhf-rm model.path=" + path("sft/final") + " data.train=[" + path("pairs.jsonl") +
        "] train.output=" + path("rm") + common);
  }
  ProgramResult run(const std::string& command) const {
    const ProgramResult result = run_program(bin_dir() + "/" + command);
    EXPECT_EQ(result.exit_code, 0) << command << "\n" << result.err;
    return result;
  }
  std::vector<json> lines(const std::string& flags) const {
    const ProgramResult result = run("rlhf-generate --model " + path("sft/final") + " --json " + flags);
    std::vector<json> found;
    std::istringstream text(result.out);
    for (std::string line; std::getline(text, line);) found.push_back(json::parse(line));
    return found;
  }
};

TEST_F(Generate, KeepsTheAnswerThatTheRewardModelScoresHighest) {
  const std::string flags = "--prompt 3+1= --num-samples 6 --max-new-tokens 5 --reward " + path("rm/final");
  const std::vector<json> all = lines(flags), best = lines(flags + " --best");
  ASSERT_EQ(all.size(), 6U);
  ASSERT_EQ(best.size(), 1U);
  const json highest =
      *std::max_element(all.begin(), all.end(), [](const json& a, const json& b) { return a["score"] < b["score"]; });
  EXPECT_EQ(best.front(), highest);
  EXPECT_NE(all.front()["score"], all.back()["score"]);
}

TEST_F(Generate, EndsAnAnswerAtAStopTextAndCutsItOff) {
  const std::string flags = "--prompt 3+1= --max-new-tokens 20 --seed 3";
  const json whole = lines(flags).front();
  const std::string text = whole["text"];
  ASSERT_GT(text.size(), 6U) << text;
  const std::string stop(1, *std::find_if(text.begin() + 3, text.end(), [](char c) { return c > ' ' && c < 127; }));
  const std::size_t found = text.find(stop);
  const json cut = lines(flags + " --stop '" + stop + "'").front();
  EXPECT_EQ(cut["text"], text.substr(0, found));
  EXPECT_EQ(cut["finish"], "stop");
  const std::size_t kept = cut["token_ids"].size();
  EXPECT_LT(kept, whole["token_ids"].size());
  for (std::size_t i = 0; i < kept; ++i) EXPECT_EQ(cut["token_ids"][i], whole["token_ids"][i]);
}

TEST_F(Generate, AStopTextMayHoldACommaAndThereMayBeSeveral) {
  const std::string flags = "--prompt 3+1= --max-new-tokens 20 --seed 3";
  const std::string text = lines(flags).front()["text"];
  const std::string stop(1, *std::find_if(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; }));
  EXPECT_EQ(lines(flags + " --stop 'never," + stop + "'").front()["text"], text);
  EXPECT_EQ(lines(flags + " --stop never --stop '" + stop + "'").front()["text"], text.substr(0, text.find(stop)));
}

// The decoder of this tokenizer, like Llama 2's, drops the space before the first word of a text.
TEST_F(Generate, TheSpaceBeforeAnAnswerIsPartOfItsText) {
  const std::string folder = testing::source_dir() + "/golden/tokenizer/llama2";
  run("rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, num_key_value_heads: 1, "
      "max_position_embeddings: 64}' model.tokenizer=" +
      folder + " data.train=[" + path("demonstrations.jsonl") + "] train.output=" + path("spaces") +
      " train.max_steps=1 train.batch_size=4 train.device=cpu data.max_length=32");
  const std::string flags = " --json --prompt 'the license' --num-samples 30 --max-new-tokens 6";
  const ProgramResult result = run("rlhf-generate --model " + path("spaces/final") + flags);
  const auto tokenizer = load_tokenizer(folder);
  std::istringstream answers(result.out);
  int spaces = 0, count = 0;
  for (std::string line; std::getline(answers, line); ++count) {
    const json answer = json::parse(line);
    TokenIds ids = answer["prompt_ids"].get<TokenIds>();
    const std::string prompt = tokenizer->decode(ids), text = answer["text"];
    const auto response = answer["token_ids"].get<TokenIds>();
    ids.insert(ids.end(), response.begin(), response.end());
    EXPECT_EQ(prompt + text, tokenizer->decode(ids));
    spaces += text.starts_with(' ');
  }
  EXPECT_EQ(count, 30);
  EXPECT_GT(spaces, 0) << "no answer began with a word, so nothing was tested";
}

TEST_F(Generate, WithoutNewTokensOnlyShowsThePrompt) {
  const json line = lines("--prompt 3+1= --max-new-tokens 0").front();
  EXPECT_EQ(line["text"], "");
  EXPECT_FALSE(line["prompt_ids"].empty());
  EXPECT_EQ(line["prompt_text"], "3+1=");
  EXPECT_FALSE(line.contains("score"));
}

TEST_F(Generate, AnswersEveryTurnOfAChat) {
  const std::string chat = "/rlhf-generate --model " + path("sft/final") + " --chat --temperature 0 --max-new-tokens 2";
  const auto talk = [&](const std::string& turns, const std::string& flags) {
    return run_program("printf '" + turns + "' | " + bin_dir() + chat + flags);
  };
  const ProgramResult result =
      talk("1\\n/reset\\n1\\n/nonsense\\n/system x\\n\\n/exit\\n1\\n", " --chat-template chatml");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  // The same turn after a /reset: the same greedy answer, whatever an untrained model says.
  const std::size_t half = result.out.size() / 2;
  EXPECT_GE(half, 1U);
  EXPECT_EQ(result.out.substr(0, half), result.out.substr(half)) << "the first turn was not forgotten";
  EXPECT_NE(result.err.find("expected /reset, /system TEXT or /exit, found /nonsense"), std::string::npos)
      << result.err;

  const ProgramResult crowded = talk("a turn that is far too long for so small a model\\n", " --chat-template chatml");
  EXPECT_EQ(crowded.exit_code, 0);
  EXPECT_NE(crowded.err.find("expected at most 62 tokens"), std::string::npos) << crowded.err;

  const ProgramResult without = talk("1\\n", "");
  EXPECT_EQ(without.exit_code, 2) << without.err;
  EXPECT_NE(without.err.find("chat_template"), std::string::npos) << without.err;
}

TEST_F(Generate, AChatShowsNeitherAStopTextNorWhatStandsBehindIt) {
  std::ofstream(path("plain.jinja")) << "{% for message in messages %}{{ message.content }}{% endfor %}";
  const auto talk = [&](const std::string& flags) {
    return run_program("echo 3+1= | " + bin_dir() + "/rlhf-generate --model " + path("sft/final") +
                       " --chat --chat-template " + path("plain.jinja") + " --max-new-tokens 20 --seed 3 " + flags)
        .out;
  };
  const std::string whole = talk("");
  ASSERT_GT(whole.size(), 6U) << whole;
  const auto letter =
      std::find_if(whole.begin() + 3, whole.end(), [](char c) { return c > ' ' && c < 127 && c != '\''; });
  ASSERT_NE(letter, whole.end());
  const std::string stop(1, *letter);
  EXPECT_EQ(talk("--stop '" + stop + "'"), whole.substr(0, whole.find(stop)) + "\n");
}

TEST_F(Generate, WritesTheLinesOfStdoutIntoAFile) {
  const std::string flags = "--prompt 3+1= --num-samples 3 --max-new-tokens 5";
  const std::vector<json> expected = lines(flags);
  EXPECT_TRUE(lines(flags + " --output " + path("answers.jsonl")).empty());
  std::ifstream file(path("answers.jsonl"));
  std::vector<json> written;
  for (std::string line; std::getline(file, line);) written.push_back(json::parse(line));
  EXPECT_EQ(written, expected);
  EXPECT_FALSE(std::filesystem::exists(path("answers.jsonl.partial")));
}

TEST_F(Generate, RefusesALanguageModelAsJudge) {
  const ProgramResult result = run_program(bin_dir() + "/rlhf-generate --model " + path("sft/final") +
                                           " --prompt x --max-new-tokens 4 --reward " + path("sft/final"));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("expected a model with a scalar head"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace rlhf
