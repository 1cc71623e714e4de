// PPO with the rewards of reward.terms.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/misuse.h"
#include "support/source_dir.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class RewardTermsRun : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("sft");
    sft.train.max_steps = 60;
    train_sft(sft);
    std::ofstream prompts(path("answers.jsonl"));
    for (int a = 0; a < 5; ++a)
      prompts << nlohmann::json{{"prompt", std::to_string(a) + "+3="}, {"answer", a + 3}} << "\n";
  }
  PpoConfig config_with(std::vector<RewardTerm> terms, const std::string& reward = "") const {
    PpoConfig config = ppo_config("sft/final", reward, "ppo");
    config.data.prompts = config.data.eval = {path("answers.jsonl")};
    config.reward.terms = std::move(terms);
    config.reward.missing_eos = MissingEos::none;
    return config;
  }
};

TEST_F(RewardTermsRun, AreReportedInStepsAndEvaluations) {
  train_ppo(config_with({{.name = "right", .weight = 2, .check = RewardCheck::answer},
                         {.name = "one", .weight = 0.5, .command = {"sed", "-u", "s/.*/1/"}, .workers = 3}}));
  int steps = 0, evaluations = 0;
  for (const auto& line : testing::timeless_metrics(path("ppo"))) {
    const std::string prefix = line.contains("eval_objective/scores") ? "eval_" : "";
    (prefix.empty() ? steps : evaluations)++;
    EXPECT_EQ(line.at(prefix + "reward/one"), 1);
    EXPECT_NEAR(line.at(prefix + "objective/scores").get<double>(),
                2 * line.at(prefix + "reward/right").get<double>() + 0.5, 1e-6);
    EXPECT_FALSE(line.contains(prefix + "reward/model"));
  }
  EXPECT_EQ(steps, 4);
  EXPECT_GE(evaluations, 1);
}

TEST_F(RewardTermsRun, AreAddedToTheScoreOfARewardModel) {
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  train_ppo(config_with({{.name = "right", .check = RewardCheck::answer}}, "rm/final"));
  const auto line = testing::timeless_metrics(path("ppo")).back();
  const std::string prefix = line.contains("eval_objective/scores") ? "eval_" : "";
  EXPECT_NEAR(line.at(prefix + "objective/scores").get<double>(),
              line.at(prefix + "reward/right").get<double>() + line.at(prefix + "reward/model").get<double>(), 1e-5);
}

TEST_F(RewardTermsRun, MustBeAbleToScoreEveryPromptBeforeAnythingIsWritten) {
  PpoConfig config = config_with({{.name = "right", .check = RewardCheck::answer, .field = "truth"}});
  testing::expect_misuse<DataError>("truth: expected an answer, a text or a number, found no such field",
                                    [&] { train_ppo(config); });
  config.reward.terms = {{.name = "missing", .command = {"/no/such/program"}}};
  testing::expect_misuse<RewardError>("reward.terms: missing: command: /no/such/program: cannot be started",
                                      [&] { train_ppo(config); });
  const auto own = reward_from_function([](const ResponseRecord&) { return 1.0F; });
  testing::expect_misuse<ConfigError>("reward.terms: expected none with a RewardSource of the caller, found 1",
                                      [&] { train_ppo(config, {}, own.get()); });
  EXPECT_FALSE(fs::exists(path("ppo")));
}

// Responses of digits only score 0 in vowels.py: digits are no vowels.
TEST_F(RewardTermsRun, OfTheExampleInPythonWork) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "needs python3";
  const std::string script = (fs::path(testing::source_dir()) / "../examples/rewards/vowels.py").string();
  PpoConfig config = config_with({{.name = "vowels", .command = {"python3", script}}});
  config.train.total_episodes = 8;
  train_ppo(config);
  EXPECT_EQ(testing::timeless_metrics(path("ppo")).back().count("reward/vowels") +
                testing::timeless_metrics(path("ppo")).back().count("eval_reward/vowels"),
            1U);
}

}  // namespace
}  // namespace rlhf
