#include "rlhf/config/suggest.h"

#include <string>

#include <gtest/gtest.h>

#include "rlhf/config/ppo_config.h"
#include "rlhf/config/sft_config.h"

namespace rlhf {
namespace {

template <typename C>
std::string meant(const std::string& section, const std::string& key) {
  C config;
  return suggest_key(bind(config), section, key).value_or("");
}

// What TRL, OpenRLHF, verl, torchtune and Hugging Face's trainer call the things that rlhf-ppo has.
TEST(SuggestKey, KnowsTheNamesOfOtherLibraries) {
  const char* cases[][3] = {
      {"ppo", "lam", "ppo.gae_lambda"},
      {"ppo", "lambd", "ppo.gae_lambda"},
      {"ppo", "lmbda", "ppo.gae_lambda"},
      {"ppo", "beta", "ppo.kl_coef"},
      {"ppo", "init_kl_coef", "ppo.kl_coef"},
      {"ppo", "kl_coeff", "ppo.kl_coef"},
      {"ppo", "epsilon", "ppo.cliprange"},
      {"ppo", "eps_clip", "ppo.cliprange"},
      {"ppo", "clip_ratio", "ppo.cliprange"},
      {"ppo", "value_clip", "ppo.cliprange_value"},
      {"ppo", "ppo_epochs", "ppo.num_ppo_epochs"},
      {"ppo", "n_samples_per_prompt", "rollout.num_samples_per_prompt"},
      {"rollout", "num_generations", "rollout.num_samples_per_prompt"},
      {"rollout", "response_length", "rollout.max_new_tokens"},
      {"", "max_completion_length", "rollout.max_new_tokens"},
      {"optimizer", "learning_rate", "optimizer.lr"},
      {"value_optimizer", "epsilon", "value_optimizer.eps"},
      {"train", "output_dir", "train.output"},
  };
  for (const auto& [section, key, expected] : cases) EXPECT_EQ(meant<PpoConfig>(section, key), expected) << key;
  EXPECT_EQ(meant<SftConfig>("train", "per_device_train_batch_size"), "train.batch_size");
  EXPECT_EQ(meant<SftConfig>("train", "num_train_epochs"), "train.epochs");
  EXPECT_EQ(meant<SftConfig>("train", "learning_rate"), "optimizer.lr");
}

TEST(SuggestKey, FindsTheRightKeyOfAnotherSection) {
  EXPECT_EQ(meant<PpoConfig>("data", "seed"), "train.seed");
  EXPECT_EQ(meant<PpoConfig>("", "kl_coef"), "ppo.kl_coef");
  EXPECT_EQ(meant<SftConfig>("model", "hidden_size"), "model.init.hidden_size");
}

TEST(SuggestKey, FindsMisspellings) {
  EXPECT_EQ(meant<PpoConfig>("ppo", "gama"), "ppo.gamma");
  EXPECT_EQ(meant<PpoConfig>("ppo", "whiten_adventages"), "ppo.whiten_advantages");
  EXPECT_EQ(meant<PpoConfig>("", "rolout"), "rollout");
  EXPECT_EQ(meant<PpoConfig>("train", "tenperature"), "rollout.temperature");
  EXPECT_EQ(meant<PpoConfig>("ppo", "quantum"), "");
}

TEST(Nearest, CountsASwapAsOneSlip) {
  EXPECT_EQ(nearest("dorp", {"error", "drop"}), "drop");
  EXPECT_EQ(nearest("completoin", {"all", "completion"}), "completion");
  EXPECT_EQ(nearest("x", {"y", "z"}), std::nullopt);
}

}  // namespace
}  // namespace rlhf
