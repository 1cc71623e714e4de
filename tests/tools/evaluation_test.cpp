// --eval-only: what is printed, what is written, and what is refused.
#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

using nlohmann::json;

class EvalOnlyTool : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    ASSERT_EQ(run("rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, "
                  "num_key_value_heads: 1, max_position_embeddings: 64}' model.tokenizer=tokenizer "
                  "data.train=[demonstrations.jsonl] train.output=sft" +
                  kSmall)
                  .exit_code,
              0);
    ASSERT_EQ(
        run("rlhf-rm model.path=sft/final data.train=[pairs.jsonl] data.eval=[pairs.jsonl] train.output=rm" + kSmall)
            .exit_code,
        0);
  }
  ProgramResult run(const std::string& command) const {
    return run_program("cd " + path("") + " && OMP_NUM_THREADS=2 " + bin_dir() + "/" + command);
  }

  const std::string kSmall =
      " train.max_steps=2 train.batch_size=8 train.device=cpu train.dtype=float32 "
      "data.max_length=32 optimizer.lr=0.003";
};

TEST_F(EvalOnlyTool, PrintsATableAndWritesTheFiguresOfTraining) {
  const ProgramResult result = run(
      "rlhf-rm --eval-only --eval-output new/rm.json model.path=rm/final data.eval=[pairs.jsonl] data.max_length=32 "
      "train.device=cpu train.dtype=float32");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  json last;
  std::ifstream metrics(path("rm/metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);)
    if (const json parsed = json::parse(line); parsed.contains("eval_accuracy")) last = parsed;
  const json written = json::parse(testing::bytes_of(path("new/rm.json")));
  for (const char* name : {"eval_accuracy", "eval_margin", "eval_mean_reward"}) {
    EXPECT_NEAR(written.at(name).get<double>(), last.at(name).get<double>(), 1e-6) << name;
    EXPECT_NE(result.out.find(std::string("\n") + name + " "), std::string::npos) << result.out;
  }
  EXPECT_EQ(written.at("samples"), 20);
  EXPECT_EQ(written.at("model"), "rm/final");
  EXPECT_EQ(result.out.find("model"), 0U) << result.out;
}

// The majority of the judgments is the pair that each was made of.
TEST_F(EvalOnlyTool, GivesTheSameFiguresForPairsAndTheirJudgments) {
  ASSERT_EQ(run("rlhf-feedback convert pairs.jsonl --from trl --output judgments.jsonl").exit_code, 0);
  for (const char* name : {"pairs", "judgments"}) {
    const std::string file = name;
    const ProgramResult result =
        run("rlhf-rm --eval-only --eval-output " + file + ".json model.path=rm/final data.eval=[" + file +
            ".jsonl] data.max_length=32 train.device=cpu train.dtype=float32");
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  const json pairs = json::parse(testing::bytes_of(path("pairs.json")));
  const json judgments = json::parse(testing::bytes_of(path("judgments.json")));
  for (const char* figure : {"samples", "eval_loss", "eval_accuracy", "eval_margin", "eval_mean_reward"})
    EXPECT_EQ(judgments.at(figure), pairs.at(figure)) << figure;
}

TEST_F(EvalOnlyTool, GivesThePerplexityOfALanguageModel) {
  const ProgramResult result =
      run("rlhf-sft --eval-only --eval-output sft.json model.path=sft/final data.train=[demonstrations.jsonl] "
          "data.max_length=32 eval.max_samples=7 train.device=cpu");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json written = json::parse(testing::bytes_of(path("sft.json")));
  EXPECT_NEAR(std::log(written.at("eval_perplexity").get<double>()), written.at("eval_loss").get<double>(), 1e-9);
  EXPECT_NE(result.out.find("7 of 20 (eval.max_samples=0 evaluates all)"), std::string::npos) << result.out;
}

TEST_F(EvalOnlyTool, GivesTheMarginsOfAPolicy) {
  const std::string common =
      " data.eval=[pairs.jsonl] data.max_length=32 train.device=cpu train.dtype=float32 dpo.beta=0.5 ";
  ASSERT_EQ(run("rlhf-dpo model.path=sft/final data.train=[pairs.jsonl] train.output=dpo optimizer.lr=0.003 "
                "train.max_steps=2 train.batch_size=8" +
                common)
                .exit_code,
            0);
  const ProgramResult result =
      run("rlhf-dpo --eval-only --eval-output dpo.json model.path=dpo/final dpo.reference=sft/final" + common);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  json last;
  std::ifstream metrics(path("dpo/metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);)
    if (const json parsed = json::parse(line); parsed.contains("eval_loss")) last = parsed;
  const json written = json::parse(testing::bytes_of(path("dpo.json")));
  for (const char* name : {"eval_loss", "eval_rewards/margins", "eval_logps/chosen"}) {
    EXPECT_NEAR(written.at(name).get<double>(), last.at(name).get<double>(), 1e-5) << name;
    EXPECT_NE(result.out.find(std::string("\n") + name + " "), std::string::npos) << result.out;
  }
}

TEST_F(EvalOnlyTool, RefusesWhatDoesNotGoTogether) {
  const auto expect = [&](const std::string& arguments, int code, const std::string& text) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments << "\n" << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos) << arguments << "\n" << result.err;
  };
  const std::string rm = "rlhf-rm model.path=rm/final data.max_length=32 ";
  expect(rm + "--eval-only", 2, "data.train: expected at least one file");
  expect(rm + "--eval-only --resume data.train=[pairs.jsonl]", 2, "expected --eval-only alone, found it with --resume");
  expect(rm + "--eval-output x.json data.train=[pairs.jsonl] train.output=o", 2, "--eval-output: expected --eval-only");
  expect("rlhf-rm --eval-only model.path=sft/final data.max_length=32 data.train=[pairs.jsonl]", 4,
         "expected a model with a scalar head, found a language model");
  expect("rlhf-ppo --eval-only", 2, "unknown flag --eval-only");
  expect("rlhf-dpo --eval-only model.path=sft/final data.train=[pairs.jsonl]", 2,
         "dpo.reference: expected the folder of the initial model");
}

}  // namespace
}  // namespace rlhf
