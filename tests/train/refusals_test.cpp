// What PPO refuses before it loads a weight.
#include <filesystem>
#include <string>

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
    EXPECT_NE(std::string(error.what()).find("model.reward"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("with another piece for id"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rlhf
