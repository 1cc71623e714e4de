// rlhf-generate on given answers, on prompts that are too long, and on files that exist.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class ScoreAnswers : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    const std::string small =
        " train.max_steps=3 train.batch_size=8 train.device=cpu train.dtype=float32 "
        "data.max_length=32 optimizer.lr=0.003";
    run("rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, num_key_value_heads: 1, "
        "max_position_embeddings: 40}' model.tokenizer=tokenizer data.train=[demonstrations.jsonl] train.output=sft" +
        small);
    run("rlhf-rm model.path=sft/final data.train=[pairs.jsonl] train.output=rm" + small);
  }
  ProgramResult run(const std::string& command, int code = 0) const {
    const ProgramResult result = run_program("cd " + path("") + " && OMP_NUM_THREADS=2 " + bin_dir() + "/" + command);
    EXPECT_EQ(result.exit_code, code) << command << "\n" << result.err;
    return result;
  }
  static std::vector<json> parse(const std::string& text) {
    std::vector<json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
    return lines;
  }
  std::vector<json> score(const std::string& file, const std::string& flags = "") const {
    return parse(run("rlhf-generate --reward rm/final --input " + file + " " + flags).out);
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
};

TEST_F(ScoreAnswers, GivesTheScoresOfItsOwnResponses) {
  // The same tokens, once scored while they were generated and once read from the file.
  const std::vector<json> made = parse(
      run("rlhf-generate --model sft/final --reward rm/final --input prompts.jsonl --max-new-tokens 5 --json").out);
  std::string text;
  for (const json& line : made) text += line.dump() + "\n";
  write("made.jsonl", text);
  const std::vector<json> found = score("made.jsonl");
  ASSERT_EQ(found.size(), made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_NEAR(found[i].at("score").get<double>(), made[i].at("score").get<double>(), 1e-5);
    EXPECT_EQ(found[i].at("record"), made[i]);
  }
}

TEST_F(ScoreAnswers, ScoresBothTextsOfPairsAsTrainingDoes) {
  const ProgramResult result = run("rlhf-generate --score-only --reward rm/final --input pairs.jsonl");
  const std::vector<json> pairs = parse(result.out);
  ASSERT_EQ(pairs.size(), 20U);
  int ranked = 0;
  double margin = 0;
  for (const json& pair : pairs) {
    ranked += pair.at("chosen_score") > pair.at("rejected_score");
    margin += pair.at("chosen_score").get<double>() - pair.at("rejected_score").get<double>();
  }
  run("rlhf-rm --eval-only --eval-output eval.json model.path=rm/final data.train=[pairs.jsonl] data.max_length=32 "
      "train.dtype=float32 train.device=cpu");
  const json eval = json::parse(testing::bytes_of(path("eval.json")));
  EXPECT_DOUBLE_EQ(ranked / 20.0, eval.at("eval_accuracy").get<double>());
  EXPECT_NEAR(margin / 20, eval.at("eval_margin").get<double>(), 1e-5);
  EXPECT_NE(result.err.find("scored 20 records"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("of 20 pairs"), std::string::npos) << result.err;
}

TEST_F(ScoreAnswers, TakesAnswersInManyForms) {
  write("answers.jsonl",
        "{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n"
        "{\"prompt\": \"1+1=\", \"response\": \"2\", \"id\": 3}\n"
        "{\"prompt\": \"1+1=\", \"responses\": [\"2\", \"3\"]}\n"
        "{\"prompt\": \"1+1=\", \"chosen\": \"2\", \"rejected\": \"3\"}\n"
        "{\"text\": \"1+1=2\"}\n");
  const std::vector<json> lines = score("answers.jsonl");
  ASSERT_EQ(lines.size(), 5U);
  const double two = lines[0].at("score"), three = lines[3].at("rejected_score");
  EXPECT_NEAR(lines[1].at("score").get<double>(), two, 1e-5);
  EXPECT_EQ(lines[1].at("record").at("id"), 3);
  EXPECT_NEAR(lines[2].at("scores")[0].get<double>(), two, 1e-5);
  EXPECT_NEAR(lines[2].at("scores")[1].get<double>(), three, 1e-5);
  EXPECT_NEAR(lines[3].at("chosen_score").get<double>(), two, 1e-5);
  EXPECT_NEAR(lines[4].at("score").get<double>(), two, 1e-5) << "the template is {prompt}{completion}";
  EXPECT_GT(std::abs(two - three), 1e-4);
}

TEST_F(ScoreAnswers, SaysWhatIsMissing) {
  EXPECT_NE(run("rlhf-generate --reward rm/final --input prompts.jsonl", 3)
                .err.find("prompts.jsonl:1: expected an answer to score"),
            std::string::npos);
  EXPECT_NE(run("rlhf-generate --score-only --input pairs.jsonl", 2).err.find("reward: expected the folder"),
            std::string::npos);
  EXPECT_NE(
      run("rlhf-generate --reward sft/final --input pairs.jsonl", 4).err.find("expected a model with a scalar head"),
      std::string::npos);
}

TEST_F(ScoreAnswers, LeavesOutWhatIsTooLongAndSaysWhere) {
  const std::string tail(60, '7');
  write("mixed.jsonl", "{\"prompt\": \"1+1=\"}\n{\"prompt\": \"" + tail + "\"}\n{\"prompt\": \"2+1=\"}\n");
  const std::string generate = "rlhf-generate --model sft/final --input mixed.jsonl --max-new-tokens 3 --json ";
  const ProgramResult skipped = run(generate);
  const std::vector<json> lines = parse(skipped.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].at("record").at("prompt"), "2+1=");
  EXPECT_NE(skipped.err.find("skipped: mixed.jsonl:2: expected at most 37 tokens (the model's 40 positions minus "
                             "--max-new-tokens), found 61"),
            std::string::npos)
      << skipped.err;
  EXPECT_NE(skipped.err.find("1 of 3 texts skipped"), std::string::npos) << skipped.err;

  const std::vector<json> cut = parse(run(generate + "--over-length truncate_left").out);
  ASSERT_EQ(cut.size(), 3U);
  EXPECT_EQ(cut[1].at("prompt_ids").size(), 37U);
  EXPECT_EQ(cut[1].at("prompt_ids")[0], lines[0].at("prompt_ids")[0]) << "BOS stays";
  EXPECT_NE(run(generate + "--over-length error", 3).err.find("mixed.jsonl:2: expected at most 37 tokens"),
            std::string::npos);
  write("long.jsonl", "{\"prompt\": \"" + tail + "\"}\n");
  EXPECT_NE(run("rlhf-generate --model sft/final --max-new-tokens 3 --input long.jsonl", 3)
                .err.find("expected at least one prompt"),
            std::string::npos);
  write("answers.jsonl", "{\"prompt\": \"1+1=\", \"completion\": \"" + tail +
                             "\"}\n"
                             "{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n");
  EXPECT_EQ(score("answers.jsonl").size(), 1U);
  EXPECT_EQ(score("answers.jsonl", "--over-length truncate_left").size(), 2U);
}

TEST_F(ScoreAnswers, MakesTheFolderOfTheOutputAndKeepsAFileThatExists) {
  const std::string generate =
      "rlhf-generate --model sft/final --prompt 1+1= --max-new-tokens 2 --output new/folder/answers.jsonl";
  run(generate);
  const std::string first = testing::bytes_of(path("new/folder/answers.jsonl"));
  EXPECT_EQ(parse(first).size(), 1U);
  const ProgramResult refused = run(generate + " --num-samples 2", 2);
  EXPECT_NE(refused.err.find("output: expected a file that does not exist"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--overwrite"), std::string::npos) << refused.err;
  EXPECT_EQ(testing::bytes_of(path("new/folder/answers.jsonl")), first);
  run(generate + " --num-samples 2 --overwrite");
  EXPECT_EQ(parse(testing::bytes_of(path("new/folder/answers.jsonl"))).size(), 2U);
  run("rlhf-generate --model sft/final --prompt 1+1= --max-new-tokens 2 --output /dev/null");
}

TEST_F(ScoreAnswers, ShowsTheScoreWithoutJson) {
  const std::string flags = "rlhf-generate --model sft/final --reward rm/final --prompt 1+1= --max-new-tokens 3";
  const json line = parse(run(flags + " --json").out).at(0);
  char expected[64];
  std::snprintf(expected, sizeof expected, "\n[score %.4f]\n", line.at("score").get<double>());
  EXPECT_EQ(run(flags).out, line.at("text").get<std::string>() + expected);
}

TEST_F(ScoreAnswers, AFailureInTheMiddleKeepsWhatIsComplete) {
  // The second file line is broken: the first is scored and kept, and the output is not named as if it were complete.
  write("broken.jsonl", "{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n{\"prompt\": \n");
  const ProgramResult result = run("rlhf-generate --reward rm/final --input broken.jsonl --output scores.jsonl", 3);
  EXPECT_FALSE(fs::exists(path("scores.jsonl")));
  EXPECT_EQ(parse(testing::bytes_of(path("scores.jsonl.partial"))).size(), 1U);
  EXPECT_NE(result.err.find("what was written so far is in scores.jsonl.partial"), std::string::npos) << result.err;
  // A reader that goes away ends the program; what it had read is complete.
  std::string prompts;
  for (int i = 0; i < 2000; ++i) prompts += "{\"prompt\": \"" + std::to_string(i % 10) + "+1=\"}\n";
  write("many.jsonl", prompts);
  const ProgramResult head = run_program(
      "cd " + path("") + " && OMP_NUM_THREADS=2 " + bin_dir() +
      "/rlhf-generate --model sft/final --input many.jsonl --max-new-tokens 4 --json 2>/dev/null | head -n 1");
  EXPECT_EQ(parse(head.out).size(), 1U);
}

}  // namespace
}  // namespace rlhf
