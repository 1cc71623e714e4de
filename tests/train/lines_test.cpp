// What a run tells while it goes: the log lines, early stopping, samples.jsonl.
#include <cmath>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::timeless_metrics;
using Lines = std::vector<std::string>;

class Telling : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    set_log_sink([this](LogLevel, std::string_view line) { said_.emplace_back(line); });
  }
  void TearDown() override {
    set_log_sink({});
    TinyRun::TearDown();
  }

  /// The lines that begin with `start`.
  Lines said(const std::string& start) const {
    Lines found;
    for (const std::string& line : said_)
      if (line.starts_with(start)) found.push_back(line);
    return found;
  }
  std::vector<json> samples(const std::string& run) const {
    std::vector<json> lines;
    std::ifstream file(path(run + "/samples.jsonl"));
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    return lines;
  }
  static bool has(const std::string& line, const std::string& part) { return line.find(part) != std::string::npos; }

  Lines said_;
};

TEST_F(Telling, AnEvaluationIsToldOnceOnALineOfItsOwn) {
  SftConfig config = sft_config("sft");
  config.train.max_steps = 4;
  config.data.eval_share = 0.3;
  config.eval.every_steps = 2;
  train_sft(config);
  const Lines steps = said("sft "), evaluations = said("evaluation at step ");
  ASSERT_EQ(steps.size(), 4U);
  for (const std::string& line : steps) {
    EXPECT_TRUE(has(line, "  loss ")) << line;
    EXPECT_FALSE(has(line, "eval_")) << line;
  }
  ASSERT_EQ(evaluations.size(), 3U);  // steps 0, 2, 4
  EXPECT_TRUE(evaluations[1].starts_with("evaluation at step 2:  eval_loss ")) << evaluations[1];
}

TEST_F(Telling, TheEndSaysWhereTheModelIsAndHowToUseIt) {
  SftConfig config = sft_config("it's here");
  config.train.max_steps = 1;
  config.data.eval_share = 0.3;
  train_sft(config);
  const std::string folder = path("it's here/final"), quoted = path("it'\\''s here/final");
  ASSERT_EQ(said("writing the model to ").size(), 1U);
  EXPECT_EQ(said("writing the model to ").front(), "writing the model to " + folder);
  EXPECT_EQ(said_.back(),
            "done: the model is in " + folder + "; to use it: rlhf-generate --model '" + quoted + "' --prompt TEXT");
  EXPECT_EQ(said("best evaluation: eval_loss ").size(), 1U);
}

TEST_F(Telling, RewardModelAndPpoShowWhatMattersThere) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  RewardModelConfig reward = reward_config("sft/final", "rm");
  reward.train.max_steps = 1;
  train_reward_model(reward);
  EXPECT_TRUE(has(said("rm 1/1").front(), "  loss 0.")) << said("rm 1/1").front();
  EXPECT_TRUE(has(said("rm 1/1").front(), "  accuracy "));
  EXPECT_TRUE(has(said_.back(),
                  "to use it: rlhf-ppo model.policy=" + path("sft/final") + " model.reward=" + path("rm/final") + " "))
      << said_.back();

  PpoConfig ppo = ppo_config("sft/final", "rm/final", "ppo");
  ppo.train.total_episodes = 8;
  train_ppo(ppo);
  const std::string line = said("ppo 1/1").front();
  for (const char* part : {"  objective/scores ", "  objective/kl ", "  rollout/response_length ", "  rollout/ended "})
    EXPECT_TRUE(has(line, part)) << line;
}

TEST_F(Telling, ARunThatDoesNotImproveEndsEarlyAndGoesOnWithMorePatience) {
  SftConfig config = sft_config("run");
  config.model.init->max_position_embeddings = 128;  // room for the responses in samples.jsonl
  config.train.max_steps = 9;
  config.data.eval_share = 0.3;
  config.eval.every_steps = 2;
  config.eval.patience = 2;
  config.optimizer.lr = 0;  // no evaluation is better than that of step 2
  train_sft(config);
  EXPECT_EQ(said("ended at step 6 of 9: eval_loss has not improved in 2 evaluations (eval.patience)").size(), 1U);
  EXPECT_EQ(timeless_metrics(path("run")).back()["step"], 6);
  EXPECT_TRUE(testing::fs::exists(path("run/best/model.safetensors")));
  EXPECT_TRUE(testing::fs::exists(path("run/final/model.safetensors")));
  ASSERT_FALSE(samples("run").empty());
  EXPECT_EQ(samples("run").back()["step"], 6) << "samples of the last step";

  train_sft(config, {.resume = true});
  EXPECT_EQ(said("nothing to do").size(), 1U);
  config.eval.patience = 0;
  train_sft(config, {.resume = true});
  EXPECT_EQ(timeless_metrics(path("run")).back()["step"], 9);
}

TEST_F(Telling, WarmUpTakesTheStepsThatAreSaid) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 4;
  config.optimizer.lr = 0.4;
  config.optimizer.max_grad_norm = 1e-6;
  config.lr_schedule = {.kind = LrScheduleKind::constant, .warmup_share = 0.5, .warmup_steps = 4};
  train_sft(config);
  const auto lines = timeless_metrics(path("run"));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_DOUBLE_EQ(lines[i]["learning_rate"].get<double>(), 0.4 * static_cast<double>(i + 1) / 4) << i;
}

// A rate of 0 and all pairs in one step: samples.jsonl has the scores that the metrics are made of.
TEST_F(Telling, TheLossOfARewardModelIsPlainAndTheCenteringTermStandsBesideIt) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  std::ofstream(path("pairs.jsonl")) << R"({"prompt":"1+1=","chosen":"2","rejected":"33"})"
                                     << "\n"
                                     << R"({"prompt":"2+1=","chosen":"3","rejected":"4"})"
                                     << "\n";
  RewardModelConfig config = reward_config("sft/final", "rm");
  config.train.max_steps = 1;
  config.optimizer.lr = 0;
  config.reward_model.centering = 100;
  train_reward_model(config);

  const auto shown = samples("rm");
  ASSERT_EQ(shown.size(), 8U);  // before the first step and after the last
  double loss = 0, centering = 0;
  for (const std::size_t i : {0U, 2U}) {
    const double chosen = shown[i]["score"], rejected = shown[i + 1]["score"];
    EXPECT_EQ(shown[i]["beats"], 1);
    EXPECT_EQ(shown[i + 1]["beats"], 0);
    loss += std::log1p(std::exp(rejected - chosen)) / 2;
    centering += 100 * (chosen + rejected) * (chosen + rejected) / 2;
  }
  const auto text = [&](std::size_t i) {
    return shown[i]["prompt"].get<std::string>() + shown[i]["response"].get<std::string>();
  };
  EXPECT_EQ(text(0), "1+1=2");
  EXPECT_EQ(text(1), "1+1=33");
  const auto line = timeless_metrics(path("rm")).front();
  EXPECT_NEAR(line["loss"].get<double>(), loss, 1e-5);
  EXPECT_NEAR(line["centering_loss"].get<double>(), centering, 1e-4 * centering);
  EXPECT_GT(centering, 1e-3);
}

TEST_F(Telling, TextsAreContinuedInSamples) {
  std::ofstream(path("texts.jsonl")) << R"({"text":"1+1=2"})"
                                     << "\n"
                                     << R"({"text":"2+2=4"})"
                                     << "\n";
  SftConfig config = sft_config("sft");
  config.data.train = {{path("texts.jsonl")}};
  config.data.max_length = 24;
  config.model.init->max_position_embeddings = 128;
  config.train.max_steps = 150;
  config.lr_schedule.kind = LrScheduleKind::constant;
  train_sft(config);
  const auto shown = samples("sft");
  ASSERT_FALSE(shown.empty());
  const std::string prompt = shown.back()["prompt"], whole = prompt + shown.back()["response"].get<std::string>();
  EXPECT_TRUE(whole == "1+1=2" || whole == "2+2=4") << whole;  // learned by heart
  EXPECT_FALSE(prompt.empty());
}

// What README says of a C++ program: with the handlers, a signal saves a checkpoint.
TEST_F(Telling, AProgramWithTheHandlersIsStoppedWithACheckpoint) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  int scored = 0;
  const auto reward = reward_from_function([&](const ResponseRecord&) {
    if (++scored == 12) std::raise(SIGINT);  // in the second rollout of 8
    return 0.0F;
  });
  struct sigaction before;
  sigaction(SIGINT, nullptr, &before);
  install_signal_handlers();
  EXPECT_THROW(train_ppo(config, {}, reward.get()), Interrupted);
  sigaction(SIGINT, &before, nullptr);
  set_stop_signal(0);
  EXPECT_TRUE(testing::fs::exists(path("ppo/checkpoints/step-000001")));
  EXPECT_FALSE(testing::fs::exists(path("ppo/final")));
}

}  // namespace
}  // namespace rlhf
