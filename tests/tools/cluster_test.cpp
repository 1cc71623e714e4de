// --dry-run --world: what a step needs on GPUs that are not here.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

class ClusterPlan : public testing::TinyRun {
 protected:
  template <typename Config>
  ProgramResult run(const std::string& tool, const Config& config, const std::string& flags) const {
    std::ofstream(path(tool + ".yaml")) << to_yaml(config);
    return run_program(bin_dir() + "/" + tool + " --config " + path(tool + ".yaml") + " " + flags);
  }

  /// The cells of a row of the table, whose names have 34 columns and whose cells have 14.
  static std::vector<std::string> row(const std::string& table, const std::string& name) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(name + " ")) continue;
      std::vector<std::string> cells;
      for (std::size_t at = 34; at < line.size(); at += 14)
        cells.push_back(line.substr(at, 14).substr(line.substr(at, 14).find_first_not_of(' ')));
      return cells;
    }
    ADD_FAILURE() << "no row " << name << " in " << table;
    return std::vector<std::string>(4);
  }
};

using Cells = std::vector<std::string>;

// Llama 3.1 8B with the 269 tokens of the test: 32 layers of 4096 · (2 · 4096 + 2 · 1024) + 3 · 4096 · 14336 + 2 · 4096
// weights, a norm and the embedding: 6,980,689,920 or 13.0 GiB in bfloat16; a head of its own has 0.002 GiB.
TEST_F(ClusterPlan, PlansForGpusThatAreNotHere) {
  SftConfig config = sft_config("run");
  config.model.init = ModelInit{.hidden_size = 4096,
                                .intermediate_size = 14336,
                                .num_hidden_layers = 32,
                                .num_attention_heads = 32,
                                .num_key_value_heads = 8,
                                .max_position_embeddings = 32};
  config.train.batch_size = 20;
  config.train.dtype = DtypeChoice::auto_;
  config.train.device = DeviceChoice::cuda;
  const ProgramResult result = run("rlhf-sft", config, "--dry-run --world 16 --gpu h100");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("cluster: 16 × H100 SXM 80 GB on 2 nodes; a step has "), std::string::npos) << result.out;
  EXPECT_EQ(row(result.out, "train.shard"), (Cells{"none", "optimizer", "gradients", "parameters"}));
  EXPECT_EQ(row(result.out, "  weights of the model"), (Cells{"13.0 GiB", "13.0 GiB", "13.0 GiB", "832.2 MiB"}));
  EXPECT_EQ(row(result.out, "  gradients"), (Cells{"26.0 GiB", "26.0 GiB", "1.6 GiB", "1.6 GiB"}));
  EXPECT_EQ(row(result.out, "  masters and moments"), (Cells{"78.0 GiB", "4.9 GiB", "4.9 GiB", "4.9 GiB"}));
  EXPECT_EQ(row(result.out, "  fits into 74.5 GiB"), (Cells{"NO", "yes", "yes", "yes"}));
  // 15/16 of 2 · 26.0, 26.0 + 13.0, again 26.0 + 13.0, and 26.0 + 2 · 13.0 GiB.
  EXPECT_EQ(row(result.out, "  sent by a rank"), (Cells{"48.8 GiB", "36.6 GiB", "36.6 GiB", "48.8 GiB"}));
  EXPECT_EQ(row(result.out, "limit"), (Cells{"memory", "communication", "communication", "communication"}));
  EXPECT_EQ(result.out.find("memory forecast"), std::string::npos) << "that of this machine does not matter";
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(ClusterPlan, TakesTheDtypeOfTheConfigAndTheNodesOfTheCommandLine) {
  const ProgramResult result = run("rlhf-sft", sft_config("run"), "--dry-run --world 12 --nodes 3 --gpu l40s");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("cluster: 12 × L40S 48 GB on 3 nodes; "), std::string::npos) << result.out;
  // float32: gradients are as large as weights, and moments twice as large.
  const auto weights = row(result.out, "  weights of the model"), moments = row(result.out, "  masters and moments");
  EXPECT_EQ(row(result.out, "  gradients").at(0), weights.at(0));
  EXPECT_NEAR(std::stod(moments.at(0)), 2 * std::stod(weights.at(0)), 0.11);
}

TEST_F(ClusterPlan, ShowsEveryModelOfAStage) {
  SftConfig first = sft_config("sft");
  first.train.max_steps = 1;
  ASSERT_EQ(run("rlhf-sft", first, "").exit_code, 0);
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 1;
  ASSERT_EQ(run("rlhf-rm", reward, "").exit_code, 0);
  const std::string flags = "--dry-run --world 4 --gpu a100";

  const ProgramResult rm = run("rlhf-rm", reward_config("sft/final", "other"), flags);
  ASSERT_EQ(rm.exit_code, 0) << rm.err;
  row(rm.out, "  weights of the model");

  DpoConfig pairs = dpo_config("sft/final", "dpo");
  ProgramResult dpo = run("rlhf-dpo", pairs, flags);
  ASSERT_EQ(dpo.exit_code, 0) << dpo.err;
  EXPECT_EQ(dpo.out.find("without gradients"), std::string::npos) << dpo.out;
  pairs.dpo.loss = PreferenceLoss::kto;
  dpo = run("rlhf-dpo", pairs, flags);
  ASSERT_EQ(dpo.exit_code, 0) << dpo.err;
  row(dpo.out, "  passes without gradients");

  const ProgramResult ppo = run("rlhf-ppo", ppo_config("sft/final", "rm/final", "ppo"), flags);
  ASSERT_EQ(ppo.exit_code, 0) << ppo.err;
  for (const std::string name :
       {"  weights of the policy", "  weights of the reference", "  weights of the reward model",
        "  weights of the value model", "  or KV cache and prompts", "  generation", "  passes without gradients",
        "  training", "  communication"})
    EXPECT_EQ(row(ppo.out, name).size(), 4U) << name;
  EXPECT_FALSE(std::filesystem::exists(path("ppo")));
}

TEST_F(ClusterPlan, RefusesSenselessFlagsInOneLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"--world 8 --gpu h100", "--world: expected --dry-run with it, found no such flag"},
      {"--gpu h100", "--gpu: expected --dry-run with it, found no such flag"},
      {"--nodes 2", "--nodes: expected --dry-run with it, found no such flag"},
      {"--dry-run --nodes 2", "--nodes: expected --world with it, found no such flag"},
      {"--dry-run --gpu h100", "--gpu: expected --world with it, found no such flag"},
      {"--dry-run --world 8", "--world: expected --gpu with it (h100, h200, a100, l40s), found no such flag"},
      {"--dry-run --world 0 --gpu h100", "--world: expected a number from 1 to 1024, found 0"},
      {"--dry-run --world 1025 --gpu h100", "--world: expected a number from 1 to 1024, found 1025"},
      {"--dry-run --world 4 --nodes 8 --gpu h100", "--nodes: expected a divisor of --world 4, found 8"},
      {"--dry-run --world 12 --nodes 5 --gpu h100", "--nodes: expected a divisor of --world 12, found 5"},
      {"--dry-run --world 9 --gpu h100",
       "--nodes: expected a divisor of --world 9, found 2, the default; hint: give --nodes"},
      {"--dry-run --world 8 --nodes 0 --gpu h100", "--nodes: expected a divisor of --world 8, found 0"},
      {"--dry-run --world 8 --gpu v100", "--gpu: expected one of h100, h200, a100, l40s, found v100"},
  };
  for (const std::string tool : {"rlhf-sft", "rlhf-rm", "rlhf-dpo", "rlhf-ppo"})
    for (const auto& [flags, fault] : cases) {
      const ProgramResult result = run_program(bin_dir() + "/" + tool + " " + flags);
      EXPECT_EQ(result.exit_code, 2) << tool << " " << flags;
      EXPECT_EQ(result.err, "error: command line: " + fault + "\n") << tool << " " << flags;
      EXPECT_EQ(result.out, "");
    }
}

}  // namespace
}  // namespace rlhf
