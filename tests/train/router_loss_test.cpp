// Runs that train a mixture of experts.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/misuse.h"
#include "support/source_dir.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;

class RouterLossRun : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    ModelFolder folder = read_model_folder(std::filesystem::path(testing::source_dir()) / "golden/families/mixtral");
    grow_vocabulary(folder, 269);
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/false);
    NamedTensors weights;
    for (const Parameter& parameter : model->parameters())
      for (auto& part : split_parts(parameter, parameter.value)) weights.push_back(std::move(part));
    save_causal_lm(folder, weights, {.tokenizer_files = read_side_files(load_tokenizer(path("tokenizer"))->files())},
                   path("mixture"));
  }

  SftConfig mixture_config(const std::string& output) const {
    SftConfig config = sft_config(output);
    config.model = {.path = path("mixture")};
    config.train.max_steps = 6;
    return config;
  }

  std::vector<double> aux_losses(const std::string& run) const {
    std::vector<double> found;
    for (const auto& line : timeless_metrics(path(run)))
      if (line.contains("aux_loss")) found.push_back(line["aux_loss"]);
    return found;
  }
};

// The loss of micro-batches adds up to that of the batch: it is not one of them, nor their sum.
TEST_F(RouterLossRun, BalancesTheExperts) {
  SftConfig config = mixture_config("balanced");
  config.train.router_aux_loss_coef = 10;
  train_sft(config);
  const std::vector<double> losses = aux_losses("balanced");
  ASSERT_EQ(losses.size(), 6U);
  EXPECT_GT(losses.front(), 2.05);
  EXPECT_LT(losses.back() - 2, 0.7 * (losses.front() - 2)) << "2 experts per token: it cannot be much below 2";

  config = mixture_config("small");
  config.train.max_steps = 1;
  config.train.micro_batch_tokens = 32;
  train_sft(config);
  EXPECT_NEAR(aux_losses("small").at(0), losses.front(), 0.2);
}

TEST_F(RouterLossRun, IsInEveryStageUnlessItsCoefficientIsZero) {
  SftConfig sft = mixture_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  RewardModelConfig reward = reward_config("mixture", "rm");
  reward.train.max_steps = 1;
  train_reward_model(reward);
  DpoConfig dpo = dpo_config("mixture", "dpo");
  dpo.train.max_steps = 1;
  train_dpo(dpo);
  PpoConfig ppo = ppo_config("mixture", "rm/final", "ppo");
  ppo.train.total_episodes = 8;
  train_ppo(ppo);
  for (const char* const run : {"sft", "rm", "dpo", "ppo"}) {
    ASSERT_EQ(aux_losses(run).size(), 1U) << run;
    EXPECT_GT(aux_losses(run).front(), 1.5) << run;
    EXPECT_LT(aux_losses(run).front(), 4) << run;
  }
  sft.train.output = path("off");
  sft.train.router_aux_loss_coef = 0;
  train_sft(sft);
  EXPECT_TRUE(aux_losses("off").empty());
}

TEST_F(RouterLossRun, ItsCoefficientIsRefusedWithoutExperts) {
  SftConfig config = sft_config("dense");
  config.train.router_aux_loss_coef = 0.01;
  testing::expect_misuse<ConfigError>(
      "train.router_aux_loss_coef: expected none for a model without experts, found one", [&] { train_sft(config); });
}

}  // namespace
}  // namespace rlhf
