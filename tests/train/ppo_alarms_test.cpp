// Alarms of a run of PPO.
#include "train/ppo_alarms.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/log.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using Figures = PpoAlarms::Figures;
using Lines = std::vector<std::string>;

/// A run as it should be.
Figures healthy(int) {
  return {.kl = 3, .length = 20, .repetition = 0.02, .entropy = 1, .value_loss = 0.5, .explained_variance = 0.6};
}

/// The lines of 40 rollouts, all but the first 15 of which are `later`.
template <typename Later>
Lines lines_of(const Later& later) {
  PpoAlarms alarms;
  Lines all;
  for (int i = 0; i < 40; ++i)
    for (const std::string& line : alarms.after_step(i < 15 ? healthy(i) : later(healthy(i), i))) all.push_back(line);
  return all;
}

/// Exactly one line, which has all of `parts`.
void expect_one(const Lines& lines, const std::vector<std::string>& parts) {
  ASSERT_EQ(lines.size(), 1U);
  for (const std::string& part : parts) EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
  EXPECT_LE(lines[0].size(), 500U) << "longer ones are cut by the log";
}

TEST(PpoAlarms, AreSilentInAHealthyRun) {
  EXPECT_EQ(lines_of([](Figures figures, int) { return figures; }), Lines{});
  EXPECT_EQ(lines_of([](Figures figures, int i) {
              figures.kl = i % 2 == 0 ? 30 : -24;  // noise with a mean of 3
              figures.length = 30;
              figures.entropy = 0.5;
              figures.value_loss = 0.6;  // higher, but explained
              return figures;
            }),
            Lines{});
}

TEST(PpoAlarms, AreRaisedOnceWithTheRangeOfTheLiterature) {
  const auto with = [](auto change) {
    return lines_of([change](Figures figures, int) {
      change(figures);
      return figures;
    });
  };
  expect_one(with([](Figures& f) { f.kl = 40; }), {"alarm: objective/kl explodes: expected at most 10 nats", "TRL"});
  expect_one(with([](Figures& f) { f.kl = -3; }), {"alarm: objective/kl is negative: expected at least -1"});
  expect_one(with([](Figures& f) { f.entropy = 0.01; }),
             {"policy/entropy_avg collapses: expected above a tenth of 1", "Cui"});
  expect_one(with([](Figures& f) { f.length = 60; }), {"rollout/response_length drifts", "twice 20", "Singhal"});
  expect_one(with([](Figures& f) { f.length = 5; }), {"rollout/response_length drifts"});
  expect_one(with([](Figures& f) { f.repetition = 0.5; }),
             {"rollout/repetition is high: expected below 0.2", "Welleck"});
  expect_one(with([](Figures& f) {
               f.value_loss = 0.9;
               f.explained_variance = -0.2;
             }),
             {"the value model does not learn: expected loss/value_avg below 0.5"});
}

TEST(PpoAlarms, OfLongResponsesAllowATenthOfANatPerToken) {
  const auto long_responses = [](double kl) {
    PpoAlarms alarms;
    Lines all;
    for (int i = 0; i < 12; ++i)
      for (const std::string& line : alarms.after_step({.kl = kl, .length = 500})) all.push_back(line);
    return all;
  };
  EXPECT_EQ(long_responses(45), Lines{});
  expect_one(long_responses(55), {"expected at most 50 nats"});
}

TEST(PpoAlarms, GoOnFromACheckpoint) {
  PpoAlarms straight, stopped;
  for (int i = 0; i < 17; ++i)
    for (PpoAlarms* alarms : {&straight, &stopped}) alarms->after_step(healthy(i));
  stopped.after_evaluation(3, {1, 2, 3});
  PpoAlarms resumed;
  resumed.restore(nlohmann::json::parse(stopped.state().dump()));
  EXPECT_EQ(resumed.state(), stopped.state());
  Figures wrong = healthy(0);
  wrong.length = 100;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(straight.after_step(wrong), resumed.after_step(wrong)) << i;
}

/// R(d) = d·(1 − 0.5·ln d), d = √KL: highest at d = e, a KL of 7.39.
double gold(double kl) { return std::sqrt(kl) * (1 - 0.5 * std::log(std::sqrt(kl))); }

// The reward that is trained on rises with the KL, the held-out one turns at 7.39 nats.
TEST(PpoAlarms, OverOptimisationIsATurnOfTheHeldOutScores) {
  PpoAlarms alarms;
  Lines all;
  EXPECT_EQ(alarms.peak_kl(), std::nullopt);
  const std::vector<double> kls = {0, 2, 6, 12, 20, 30};
  for (std::size_t i = 0; i < kls.size(); ++i) {
    const auto lines =
        alarms.after_evaluation(static_cast<std::int64_t>(10 * i), {kls[i], kls[i], kls[i] == 0 ? 0 : gold(kls[i])});
    EXPECT_EQ(lines.size(), i == 4 ? 1U : 0U) << "the second evaluation after the peak, and once";
    all.insert(all.end(), lines.begin(), lines.end());
  }
  expect_one(all, {"alarm: over-optimisation", "after 1.35 at step 20", "rose from 6 to 20",
                   "has its peak at a KL of 7.39 nats, now it is 20", "Gao et al. (2022)"});
  EXPECT_NEAR(*alarms.peak_kl(), std::exp(2.0), 1e-9);
}

TEST(PpoAlarms, AFallOfBothScoresIsNoOverOptimisation) {
  PpoAlarms alarms;
  for (std::int64_t i = 0; i < 8; ++i) {
    const double score = i < 3 ? static_cast<double>(i) : -static_cast<double>(i);
    EXPECT_EQ(alarms.after_evaluation(i, {static_cast<double>(i), score, score}), Lines{});
  }
}

class PpoAlarmsRun : public testing::TinyRun {};

// The held-out reward model scores evaluations only; best/ follows it, and eval.patience ends the run.
TEST_F(PpoAlarmsRun, AHeldOutRewardModelChoosesTheBestPolicyAndEndsTheRun) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 20;
  train_sft(sft);
  RewardModelConfig reward = reward_config("sft/final", "held-out");
  reward.train.max_steps = 3;
  train_reward_model(reward);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.data.eval = {path("prompts.jsonl")};
  config.model.eval_reward = path("held-out/final");
  config.eval.every_steps = 1;
  config.eval.best_by = "eval_objective/held_out_scores";
  config.eval.patience = 2;
  config.optimizer.lr = config.value_optimizer.lr = 0;  // no evaluation is better than the first
  config.train.total_episodes = 80;
  const auto nothing = reward_from_function([](const ResponseRecord&) { return 0.0F; });
  train_ppo(config, {}, nothing.get());
  int evaluations = 0;
  for (const auto& line : testing::timeless_metrics(path("ppo"))) {
    EXPECT_FALSE(line.contains("objective/held_out_scores"));
    evaluations += line.contains("eval_objective/held_out_scores");
  }
  EXPECT_EQ(evaluations, 4) << "at step 0, the best one at step 1, and two that are not better";
  EXPECT_TRUE(testing::fs::exists(path("ppo/best/model.safetensors")));

  // Its scores are those of the same folder as model.reward, without the rule for responses that did not end.
  config.model.reward = path("held-out/final");
  config.reward.missing_eos = MissingEos::none;
  config.train.output = path("both");
  config.train.total_episodes = 8;
  train_ppo(config);
  const auto both = testing::timeless_metrics(path("both")).front();
  EXPECT_NEAR(both.at("eval_objective/held_out_scores").get<double>(), both.at("eval_objective/scores").get<double>(),
              1e-5);
}

// Without a KL penalty, and with a high learning rate, the policy ends far from the reference and says one thing.
TEST_F(PpoAlarmsRun, AnAlarmIsALineOfTheLogAndOfTheReport) {
  SftConfig sft = sft_config("sft");
  sft.train.max_steps = 1;
  train_sft(sft);
  PpoConfig config = ppo_config("sft/final", "", "ppo");
  config.ppo.kl_coef = 0;
  config.optimizer.lr = 0.02;
  config.train.total_episodes = 30 * 8;
  const auto ones = reward_from_function([](const ResponseRecord& sampled) {
    return static_cast<float>(std::count(sampled.response.begin(), sampled.response.end(), '1'));
  });
  int alarms = 0;
  set_log_sink([&](LogLevel level, std::string_view line) {
    alarms += level == LogLevel::warning && line.starts_with("alarm: ");
  });
  train_ppo(config, {}, ones.get());
  set_log_sink({});
  EXPECT_GE(alarms, 1);
  EXPECT_NE(testing::bytes_of(path("ppo/report.html")).find("alarm: "), std::string::npos);
}

}  // namespace
}  // namespace rlhf
