// kill -9 at many moments of a run: resumed, it ends with the bits of a run that was left alone.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"

#include "support/tiny_run.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

class Kill : public testing::TinyRun {
 protected:
  ProgramResult tool(const std::string& prefix, const std::string& program, const std::string& output,
                     const std::string& flags) const {
    return run_program("cd " + path("") + " && OMP_NUM_THREADS=2 " + prefix + " " + bin_dir() + "/" + program +
                       " --config " + program + ".yaml train.output=" + output + " " + flags);
  }

  template <typename Config>
  void expect_same_bits(const std::string& program, Config config, const std::vector<std::string>& models) {
    config.checkpoint.every_steps = 1;
    std::ofstream(path(program + ".yaml")) << to_yaml(config);
    const ProgramResult straight = tool("", program, program + "-straight", "");
    ASSERT_EQ(straight.exit_code, 0) << straight.err;
    int kills = 0;
    for (int tenths = 3; tenths < 40; ++tenths) {  // ever later, so that each attempt gets a little further
      const std::string timeout = "timeout -s KILL " + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
      const ProgramResult result = tool(timeout, program, program + "-killed", "--resume");
      if (result.exit_code == 0) break;
      ASSERT_EQ(result.exit_code, 137) << result.err;
      ++kills;
    }
    EXPECT_GT(kills, 0);
    ASSERT_EQ(tool("", program, program + "-killed", "--resume").exit_code, 0);
    EXPECT_EQ(testing::timeless_metrics(path(program + "-straight")),
              testing::timeless_metrics(path(program + "-killed")));
    for (const std::string& model : models)
      EXPECT_TRUE(testing::bytes_of(path(program + "-straight/" + model + "/model.safetensors")) ==
                  testing::bytes_of(path(program + "-killed/" + model + "/model.safetensors")))
          << model << " after " << kills << " kills";
  }
};

TEST_F(Kill, LeavesNoTraceInAnyStage) {
  SftConfig sft = sft_config("");
  sft.train.max_steps = 60;
  sft.data.eval_share = 0.3;
  sft.eval.every_steps = 10;
  expect_same_bits("rlhf-sft", sft, {"final", "best"});

  RewardModelConfig reward = reward_config("rlhf-sft-straight/final", "");
  reward.train.max_steps = 40;
  expect_same_bits("rlhf-rm", reward, {"final"});

  DpoConfig dpo = dpo_config("rlhf-sft-straight/final", "");
  dpo.train.max_steps = 40;
  expect_same_bits("rlhf-dpo", dpo, {"final"});

  PpoConfig ppo = ppo_config("rlhf-sft-straight/final", "rlhf-rm-straight/final", "");
  ppo.train.total_episodes = 30 * ppo.rollout.batch_size;
  expect_same_bits("rlhf-ppo", ppo, {"final", "final-value"});
}

}  // namespace
}  // namespace rlhf
