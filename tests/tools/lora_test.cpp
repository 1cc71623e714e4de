// Adapters through the tools: trained, generated from, scored with, merged.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

class LoraTools : public testing::TinyRun {
 protected:
  ProgramResult run(const std::string& command, int code = 0) const {
    const ProgramResult result = run_program(bin_dir() + "/" + command);
    EXPECT_EQ(result.exit_code, code) << command << "\n" << result.err;
    return result;
  }
  std::string common(const std::string& output) const {
    return " train.max_steps=20 train.batch_size=8 train.device=cpu train.dtype=float32 data.max_length=32 "
           "optimizer.lr=0.02 train.output=" +
           path(output);
  }
  void make_base() const {
    run("rlhf-sft 'model.init={hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, num_key_value_heads: 1, "
        "max_position_embeddings: 64}' model.tokenizer=" +
        path("tokenizer") + " data.train=[" + path("demonstrations.jsonl") + "]" + common("base"));
  }
};

TEST_F(LoraTools, AMergedModelAnswersAndScoresLikeItsAdapter) {
  make_base();
  const std::string base = " model.path=" + path("base/final") + " model.lora.rank=4";
  run("rlhf-sft" + base + " data.train=[" + path("demonstrations.jsonl") + "]" + common("sft"));
  run("rlhf-rm" + base + " data.train=[" + path("pairs.jsonl") + "]" + common("rm"));
  for (const std::string model : {"sft", "rm"})
    run("rlhf-merge --model " + path(model + "/final") + " --output " + path("merged-" + model));
  const auto answer = [&](const std::string& model, const std::string& reward) {
    return run("rlhf-generate --json --dtype float32 --device cpu --temperature 0 --max-new-tokens 8 --prompt 3+1= "
               "--model " +
               path(model) + " --reward " + path(reward))
        .out;
  };
  const auto adapted = nlohmann::json::parse(answer("sft/final", "rm/final"));
  const auto merged = nlohmann::json::parse(answer("merged-sft", "merged-rm"));
  EXPECT_EQ(adapted["token_ids"], merged["token_ids"]);
  EXPECT_NEAR(adapted["score"].get<double>(), merged["score"].get<double>(), 1e-5);
  EXPECT_NE(answer("base/final", "rm/final"), answer("sft/final", "rm/final"));
  // The folder of an adapter needs its base: a merged one does not.
  std::filesystem::remove_all(path("base"));
  answer("merged-sft", "merged-rm");
  const auto orphan = run("rlhf-generate --model " + path("sft/final") + " --prompt 3+1=", 4);
  EXPECT_NE(orphan.err.find("base_model_name_or_path"), std::string::npos) << orphan.err;
}

TEST_F(LoraTools, MergeRefusesAWholeModelAndAnOutputThatExists) {
  make_base();
  EXPECT_NE(
      run("rlhf-merge --model " + path("base/final") + " --output " + path("out"), 4).err.find("expected the folder"),
      std::string::npos);
  run("rlhf-sft model.path=" + path("base/final") + " model.lora.rank=2 data.train=[" + path("demonstrations.jsonl") +
      "]" + common("sft"));
  run("rlhf-merge --model " + path("sft/final") + " --output " + path("base"), 10);
  EXPECT_TRUE(std::filesystem::exists(path("base/final/model.safetensors")));
  const auto average = run(
      "rlhf-average --model " + path("base/final") + " --model " + path("sft/final") + " --output " + path("mean"), 4);
  EXPECT_NE(average.err.find("rlhf-merge"), std::string::npos) << average.err;
}

}  // namespace
}  // namespace rlhf
