// rlhf-eval reward, as a user starts it.
#include <algorithm>
#include <cmath>
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

class EvalReward : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    const std::string small =
        " train.batch_size=8 train.device=cpu train.dtype=float32 data.max_length=32 optimizer.lr=0.003";
    run("rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, num_key_value_heads: 1, "
        "max_position_embeddings: 40}' model.tokenizer=tokenizer data.train=[demonstrations.jsonl] train.output=sft "
        "train.max_steps=3" +
        small);
    trained_ =
        run("rlhf-rm model.path=sft/final data.train=[pairs.jsonl] data.eval=[pairs.jsonl] train.output=rm "
            "train.max_steps=12" +
            small);
  }
  ProgramResult run(const std::string& command, int code = 0) const {
    const ProgramResult result = run_program("cd " + path("") + " && OMP_NUM_THREADS=2 " + bin_dir() + "/" + command);
    EXPECT_EQ(result.exit_code, code) << command << "\n" << result.err;
    return result;
  }
  json report(const std::string& flags) const {
    return json::parse(run("rlhf-eval reward --model rm/final --json --resamples 50 " + flags).out);
  }
  /// The margins of pairs.jsonl as rlhf-generate scores them.
  std::vector<double> margins() const {
    std::vector<double> found;
    std::istringstream lines(run("rlhf-generate --reward rm/final --input pairs.jsonl").out);
    for (std::string line; std::getline(lines, line);) {
      const json scored = json::parse(line);
      found.push_back(scored.at("chosen_score").get<double>() - scored.at("rejected_score").get<double>());
    }
    return found;
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }

  ProgramResult trained_;
};

TEST_F(EvalReward, AgreesWithTheScoresOfRlhfGenerate) {
  double right = 0, loss = 0;
  for (const double margin : margins()) {
    right += margin > 0;
    loss += std::log1p(std::exp(-margin)) / 20;
  }
  const json row = report("--data pairs.jsonl").at("rows").at(0);
  EXPECT_EQ(row.at("pairs"), 20);
  EXPECT_EQ(row.at("prompts"), 20);
  EXPECT_DOUBLE_EQ(row.at("accuracy").at("value").get<double>(), right / 20);
  EXPECT_NEAR(row.at("nll").at("value").get<double>(), loss, 1e-5);
}

TEST_F(EvalReward, IsAlsoLoggedAtTheEndOfTraining) {
  const json row = report("--data pairs.jsonl").at("rows").at(0);
  char expected[64];
  std::snprintf(expected, sizeof expected, "evaluation: on 20 pairs of 20 prompts: accuracy %.1f %%",
                100 * row.at("accuracy").at("value").get<double>());
  EXPECT_NE(trained_.err.find(expected), std::string::npos) << trained_.err;
  EXPECT_NE(trained_.err.find("rlhf-eval reward --model rm/final --data FILE"), std::string::npos) << trained_.err;
  const auto alone =
      run("rlhf-rm --eval-only model.path=rm/final data.train=[pairs.jsonl] data.max_length=32 "
          "train.dtype=float32 train.device=cpu");
  EXPECT_NE(alone.err.find(expected), std::string::npos) << alone.err;
}

TEST_F(EvalReward, ReadsJudgmentsBestOfNAndStyles) {
  write("mixed.jsonl",
        R"({"prompt":"1+1=","responses":["2","3"],"domain":"sums","gold":0,"judgments":[)"
        R"({"annotator":"a","choice":0},{"annotator":"b","choice":0},{"annotator":"c","role":"expert","choice":1}]})"
        "\n"
        R"({"prompt":"1+2=","chosen":["3"],"rejected":["4","5","6"],"subset":"Math"})"
        "\n"
        R"({"prompt":"2+2=","chosen":["4","44","444"],"rejected":["5","55","555"]})"
        "\n"
        R"({"prompt":"2+1=","completions":[{"text":"3","rank":1},{"text":"4","rank":2},{"text":"5","rank":2}]})"
        "\n");
  const json found = report("--data mixed.jsonl");
  EXPECT_EQ(found.at("records"), 4);
  EXPECT_EQ(found.at("rows").at(0).at("pairs"), 1 + 3 + 9 + 2);
  EXPECT_EQ(found.at("ties").at("pairs"), 1);
  EXPECT_FALSE(found.at("best_of_n").is_null());
  EXPECT_EQ(found.at("styles").at("accuracy").size(), 3U);
  std::vector<std::string> names;
  for (const json& row : found.at("rows")) names.push_back(row.at("name"));
  EXPECT_EQ(names,
            (std::vector<std::string>{"all", "domain Math", "domain sums", "role crowd", "role expert", "gold"}));
  // Crowd and expert say the opposite of each other.
  const auto accuracy = [&](std::size_t row) {
    return found.at("rows").at(row).at("accuracy").at("value").get<double>();
  };
  EXPECT_EQ(accuracy(3) + accuracy(4), 1);
  EXPECT_EQ(found.at("swap").at("changed"), 0);
}

TEST_F(EvalReward, WritesPagesAndJson) {
  const auto printed =
      run("rlhf-eval reward --model rm/final --data pairs.jsonl --output new/r.json --html new/r.html");
  EXPECT_TRUE(printed.out.starts_with("reward model  rm/final\n")) << printed.out;
  EXPECT_EQ(json::parse(testing::bytes_of(path("new/r.json"))).at("records"), 20);
  EXPECT_TRUE(testing::bytes_of(path("new/r.html")).starts_with("<!DOCTYPE html>"));
  const std::string once = run("rlhf-eval reward --model rm/final --data pairs.jsonl --json").out;
  EXPECT_EQ(once, run("rlhf-eval reward --model rm/final --data pairs.jsonl --json").out);
}

TEST_F(EvalReward, KeepsTheTemperatureInTheFolder) {
  std::string mixed;  // every fifth label is turned round, so that a temperature fits
  int i = 0;
  std::istringstream lines(testing::bytes_of(path("pairs.jsonl")));
  const std::vector<double> scored = margins();
  for (std::string line; std::getline(lines, line); ++i) {
    json pair = json::parse(line);
    if ((scored[static_cast<std::size_t>(i)] > 0) == (i % 5 == 0)) std::swap(pair["chosen"], pair["rejected"]);
    mixed += pair.dump() + "\n";
  }
  write("mixed.jsonl", mixed);
  const json before = json::parse(testing::bytes_of(path("rm/final/config.json")));
  const json first = report("--data mixed.jsonl --keep-temperature");
  EXPECT_FALSE(first.contains("kept_temperature"));
  json after = json::parse(testing::bytes_of(path("rm/final/config.json")));
  EXPECT_EQ(after.at("rlhf_reward_temperature"), first.at("rows").at(0).at("temperature"));
  const json second = report("--data mixed.jsonl");
  EXPECT_EQ(second.at("kept_temperature").at("temperature"), after.at("rlhf_reward_temperature"));
  EXPECT_EQ(second.at("rows"), first.at("rows")) << "nothing is scaled by it";
  after.erase("rlhf_reward_temperature");
  EXPECT_EQ(after, before);
  // A model that is trained from this one is another one.
  run("rlhf-rm model.path=rm/final data.train=[pairs.jsonl] train.output=rm2 train.max_steps=1 train.batch_size=8 "
      "train.device=cpu train.dtype=float32 data.max_length=32");
  EXPECT_FALSE(json::parse(testing::bytes_of(path("rm2/final/config.json"))).contains("rlhf_reward_temperature"));
}

TEST_F(EvalReward, SaysWhatIsMissing) {
  const auto error = [&](const std::string& arguments, int code) { return run("rlhf-eval " + arguments, code).err; };
  EXPECT_EQ(error("", 2),
            "error: command line: expected the command reward or sycophancy, found none; hint: rlhf-eval --help\n");
  EXPECT_NE(error("reward --model rm/final", 2).find("data: expected at least one file"), std::string::npos);
  EXPECT_NE(error("reward --model sft/final --data pairs.jsonl", 4).find("expected a model with a scalar head"),
            std::string::npos);
  EXPECT_NE(error("reward --model rm/final --data demonstrations.jsonl", 3)
                .find("demonstrations.jsonl:1: expected answers in an order"),
            std::string::npos);
  EXPECT_NE(error("reward --model rm/final --data none.jsonl", 3).find("none.jsonl"), std::string::npos);
  write("long.jsonl", "{\"prompt\": \"" + std::string(60, '7') + "\", \"chosen\": \"1\", \"rejected\": \"2\"}\n");
  EXPECT_NE(error("reward --model rm/final --data long.jsonl", 3).find("expected at least one pair"),
            std::string::npos);
  EXPECT_TRUE(run("rlhf-eval --help").out.starts_with("usage: rlhf-eval COMMAND"));
  EXPECT_TRUE(run("rlhf-eval reward --help").out.starts_with("usage: rlhf-eval reward [--key value …]"));
}

}  // namespace
}  // namespace rlhf
