// Evaluation without training.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/train/dpo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/misuse.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::timeless_metrics;
namespace fs = std::filesystem;

class EvalOnly : public testing::TinyRun {
 protected:
  /// The last evaluation in metrics.jsonl must have the same figures as `found`.
  void expect_equal(const Evaluation& found, const fs::path& run) const {
    nlohmann::json last;
    for (const auto& line : timeless_metrics(run))
      if (line.contains("eval_loss")) last = line;
    ASSERT_FALSE(last.is_null());
    for (const auto& [name, value] : last.items()) {
      if (name.starts_with("eval_")) {
        EXPECT_NEAR(*found.metrics.find(name), value.get<double>(), 1e-6) << name;
      }
    }
  }
};

TEST_F(EvalOnly, GivesTheFiguresOfTheLastEvaluationInTraining) {
  SftConfig sft = sft_config("sft");
  sft.data.eval = {path("demonstrations.jsonl")};
  train_sft(sft);
  SftConfig look = sft;
  look.model = {.path = path("sft/final")};
  look.train.output = "";
  look.data.train.clear();
  const auto sft_found = train_sft(look, {.eval_only = true}).evaluation;
  ASSERT_TRUE(sft_found.has_value());
  expect_equal(*sft_found, path("sft"));
  EXPECT_EQ(sft_found->samples, 20);
  EXPECT_NEAR(*sft_found->metrics.find("eval_perplexity"), std::exp(*sft_found->metrics.find("eval_loss")), 1e-9);

  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.data.eval = {path("pairs.jsonl")};
  train_reward_model(reward);
  reward.model.path = path("rm/final");
  reward.train.output = "";
  const auto found = train_reward_model(reward, {.eval_only = true}).evaluation;
  ASSERT_TRUE(found.has_value());
  expect_equal(*found, path("rm"));
}

TEST_F(EvalOnly, ComparesAPolicyWithTheReferenceOfItsTraining) {
  train_sft(sft_config("sft"));
  for (const PreferenceLoss loss : {PreferenceLoss::dpo, PreferenceLoss::simpo, PreferenceLoss::kto}) {
    const std::string name = "dpo" + std::to_string(static_cast<int>(loss));
    DpoConfig dpo = dpo_config("sft/final", name);
    dpo.data.eval = {path("pairs.jsonl")};
    dpo.dpo = {.loss = loss, .label_smoothing = 0.1};
    train_dpo(dpo);
    dpo.model.path = path(name + "/final");
    dpo.train.output = "";
    if (needs_reference(loss)) dpo.dpo.reference = path("sft/final");
    const auto found = train_dpo(dpo, {.eval_only = true}).evaluation;
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->samples, 20);
    expect_equal(*found, path(name));
  }
}

TEST_F(EvalOnly, EvaluatesSingleCompletions) {
  std::ofstream file(path("unpaired.jsonl"));
  for (int i = 0; i < 9; ++i)
    file << nlohmann::json{{"prompt", std::to_string(i) + "+1="}, {"completion", "4"}, {"label", i == 3}} << "\n";
  file.close();
  train_sft(sft_config("sft"));
  DpoConfig dpo = dpo_config("sft/final", "kto");
  dpo.data.eval = {path("unpaired.jsonl")};
  dpo.dpo = {.loss = PreferenceLoss::kto, .undesirable_weight = 0.2};
  train_dpo(dpo);
  dpo.model.path = path("kto/final");
  dpo.train.output = "";
  dpo.dpo.reference = path("sft/final");
  const auto found = train_dpo(dpo, {.eval_only = true}).evaluation;
  EXPECT_EQ(found->samples, 9);
  expect_equal(*found, path("kto"));
  EXPECT_EQ(found->metrics.find("eval_rewards/accuracies"), nullptr);
}

TEST_F(EvalOnly, OfAModelBesideItselfFindsNoDifference) {
  train_sft(sft_config("sft"));
  DpoConfig look = dpo_config("sft/final", "");
  look.data.eval_share = 0.5;
  look.eval.max_samples = 3;
  look.dpo.reference = path("sft/final");
  const auto found = train_dpo(look, {.eval_only = true}).evaluation;
  EXPECT_EQ(found->samples, 3);
  EXPECT_LT(found->available, 20);
  EXPECT_NEAR(*found->metrics.find("eval_loss"), std::log(2.0), 1e-5);
  EXPECT_NEAR(*found->metrics.find("eval_rewards/margins"), 0, 1e-5);
}

TEST_F(EvalOnly, TakesTheHeldOutShareOrElseTheTrainingDataAndHeedsMaxSamples) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  SftConfig look = sft_config("");
  look.model = {.path = path("sft/final")};
  EXPECT_EQ(train_sft(look, {.eval_only = true}).evaluation->available, 20);
  look.eval.max_samples = 3;
  EXPECT_EQ(train_sft(look, {.eval_only = true}).evaluation->samples, 3);
  look.data.eval_share = 0.5;
  const auto share = train_sft(look, {.eval_only = true}).evaluation;
  EXPECT_GT(share->available, 0);
  EXPECT_LT(share->available, 20);
}

TEST_F(EvalOnly, AccuracyAndMarginAreThoseOfTheScores) {
  // One pair and the same pair turned round: exactly one of the two is ranked right, and the margins cancel.
  std::ofstream(path("both.jsonl")) << "{\"prompt\": \"1+1=\", \"chosen\": \"2\", \"rejected\": \"3\"}\n"
                                    << "{\"prompt\": \"1+1=\", \"chosen\": \"3\", \"rejected\": \"2\"}\n";
  train_sft(sft_config("sft"));
  train_reward_model(reward_config("sft/final", "rm"));
  RewardModelConfig look = reward_config("rm/final", "");
  look.data.train = {{path("both.jsonl")}};
  const auto found = train_reward_model(look, {.eval_only = true}).evaluation;
  EXPECT_DOUBLE_EQ(*found->metrics.find("eval_accuracy"), 0.5);
  EXPECT_NEAR(*found->metrics.find("eval_margin"), 0, 1e-5);
  // −log σ(m) − log σ(−m), halved, for the margin m of the first pair.
  const double m = *found->metrics.find("eval_max_reward") - *found->metrics.find("eval_min_reward");
  EXPECT_NEAR(*found->metrics.find("eval_loss"), std::log1p(std::exp(m)) - m / 2, 1e-4);
}

TEST_F(EvalOnly, RefusesAModelWithoutAHeadAndANewModel) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  testing::expect_misuse<ModelError>("expected a model with a scalar head",
                                     [&] { train_reward_model(reward_config("sft/final", ""), {.eval_only = true}); });
  testing::expect_misuse<ConfigError>("model.init: expected model.path", [&] { train_sft(sft, {.eval_only = true}); });
  testing::expect_misuse<ConfigError>("dpo.reference: expected the folder of the initial model",
                                      [&] { train_dpo(dpo_config("sft/final", ""), {.eval_only = true}); });
}

}  // namespace
}  // namespace rlhf
