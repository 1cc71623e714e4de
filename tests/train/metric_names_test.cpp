// The names that a run of each stage writes to metrics.jsonl against the list of metrics.
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/metrics_list.h"
#include "rlhf/train/dpo.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::TinyRun;

using Names = std::set<std::string>;

class MetricNames : public TinyRun {
 protected:
  Names written(const std::string& run) const {
    Names names;
    std::ifstream file(path(run + "/metrics.jsonl"));
    for (std::string line; std::getline(file, line);) {
      const auto figures = nlohmann::json::parse(line);
      for (const auto& [name, value] : figures.items())
        if (name != "step") names.insert(name);
    }
    return names;
  }

  /// With the names of evaluations, where the run evaluates.
  static void expect_listed(const Names& written, Stage stage, bool evaluates) {
    Names unlisted = written;
    for (const MetricInfo& info : kMetrics) {
      if (!includes(info.stages, stage)) continue;
      const std::string name(info.name), eval_name = std::string(kEvalPrefix) + name;
      EXPECT_TRUE(unlisted.erase(name) == 1 || info.conditional) << name << " is listed and not written";
      if (evaluates && info.evaluated) {
        EXPECT_TRUE(unlisted.erase(eval_name) == 1 || info.conditional) << eval_name;
      }
    }
    EXPECT_EQ(unlisted, Names()) << "written and not listed";
  }
};

TEST_F(MetricNames, OfEveryStageAreListed) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 2;
  sft.data.eval_share = 0.2;
  train_sft(sft);
  expect_listed(written("sft"), Stage::sft, true);

  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 2;
  reward.data.eval_share = 0.2;
  reward.reward_model.centering = 0.01;
  train_reward_model(reward);
  expect_listed(written("rm"), Stage::reward_model, true);

  DpoConfig dpo = dpo_config("sft/final", "dpo");
  dpo.train.max_steps = 2;
  dpo.data.eval_share = 0.2;
  dpo.dpo.loss = PreferenceLoss::kto;
  train_dpo(dpo);
  expect_listed(written("dpo"), Stage::dpo, true);

  PpoConfig ppo = ppo_config("sft/final", "rm/final", "ppo");
  ppo.train.total_episodes = 16;
  ppo.data.eval = {path("prompts.jsonl")};
  ppo.reward.clip_range = {-1, 1};
  train_ppo(ppo);
  expect_listed(written("ppo"), Stage::ppo, true);
}

}  // namespace
}  // namespace rlhf
