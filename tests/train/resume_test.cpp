#include <algorithm>
#include <csignal>
#include <fstream>
#include <vector>

#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/same_bits.h"

namespace rlhf {
namespace {

using testing::bytes_of;
using testing::StopAfterStep;
using testing::timeless_metrics;

class Resume : public testing::SameBits {};

TEST_F(Resume, SftEndsWithTheSameBits) {
  SftConfig config = sft_config("");
  config.train.max_steps = 5;
  config.data.eval_share = 0.3;
  config.eval.every_steps = 2;
  const auto train = [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); };
  expect_same_bits(config, "sft", 5, train, {"final", "best"});
  expect_same_bits_after_loss(config, "sft", train, {"final"});
}

TEST_F(Resume, SftInBfloat16EndsWithTheSameBits) {
  SftConfig config = sft_config("");
  config.train.max_steps = 3;
  config.train.dtype = DtypeChoice::bfloat16;
  const auto train = [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); };
  expect_same_bits(config, "sft", 3, train, {"final"});
}

TEST_F(Resume, RewardModelEndsWithTheSameBits) {
  SftConfig sft = sft_config("base");
  sft.train.max_steps = 1;
  train_sft(sft);
  RewardModelConfig config = reward_config("base/final", "");
  config.train.max_steps = 4;
  const auto train = [](const RewardModelConfig& c, const RunOptions& o) { train_reward_model(c, o); };
  expect_same_bits(config, "rm", 4, train, {"final"});
  expect_same_bits_after_loss(config, "rm", train, {"final"});
}

TEST_F(Resume, PpoEndsWithTheSameBits) {
  SftConfig sft = sft_config("base");
  sft.train.max_steps = 5;
  train_sft(sft);
  RewardModelConfig reward = reward_config("base/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  PpoConfig config = ppo_config("base/final", "rm/final", "");
  config.ppo.kl_controller = KlControllerKind::adaptive;
  const auto train = [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); };
  expect_same_bits(config, "ppo", 4, train, {"final", "final-value"});
  expect_same_bits_after_loss(config, "ppo", train, {"final", "final-value"});
}

TEST_F(Resume, PpoWithEveryOptionEndsWithTheSameBits) {
  SftConfig sft = sft_config("base");
  sft.train.max_steps = 20;
  train_sft(sft);
  RewardModelConfig reward = reward_config("base/final", "rm");
  reward.train.max_steps = 2;
  train_reward_model(reward);
  reward.train.seed = 2;
  reward.train.output = path("rm2");
  train_reward_model(reward);
  PpoConfig config = ppo_config("base/final", "rm/final", "");
  config.data.eval = {path("prompts.jsonl")};
  config.eval.every_steps = 1;
  config.eval.max_samples = 10;  // a batch of 8 and one of 2
  config.eval.patience = 9;      // its counts are in the checkpoint; the run does not end early
  config.eval.min_delta = 1e-9;
  config.rollout.stop = {"1"};
  config.model.reward_ensemble = {path("rm2/final")};
  config.reward.spread_penalty = 0.5;
  config.reward.clip_range = {-0.5, 0.5};
  config.reward.scaling = RewardScaling::running_mean_std;
  config.data.ptx = {path("demonstrations.jsonl")};
  config.ppo.ptx_coef = 2;
  config.ppo.score_position = ScorePosition::after_eos;
  config.ppo.target_kl = 4.5e-3;
  config.ppo.entropy_coef = 0.01;
  config.ppo.value_warmup_steps = 2;
  config.ppo.kl_controller = KlControllerKind::adaptive;
  config.lr_schedule.warmup_steps = 3;
  const auto train = [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); };
  expect_same_bits(config, "ppo", 4, train, {"final", "final-value", "best"});
  expect_same_bits_after_loss(config, "ppo", train, {"final", "final-value"});
  std::vector<std::int64_t> updates;
  for (const auto& line : timeless_metrics(path("ppo-straight")))
    if (line.contains("policy/num_updates")) updates.push_back(line["policy/num_updates"]);
  EXPECT_EQ(std::ranges::max(updates), config.ppo.num_ppo_epochs * config.ppo.num_mini_batches);
  EXPECT_LT(std::ranges::min(updates), std::ranges::max(updates)) << "ppo.target_kl shortens some steps, not all";
}

// Two prompts of four samples each; "right" is 0 or 1, so that most groups are equal.
TEST_F(Resume, PpoThatRefillsEqualGroupsEndsWithTheSameBits) {
  SftConfig sft = sft_config("base");
  sft.train.max_steps = 20;
  train_sft(sft);
  std::ofstream answers(path("answers.jsonl"));
  for (int a = 0; a < 5; ++a)
    answers << nlohmann::json{{"prompt", std::to_string(a) + "+3="}, {"answer", a + 3}} << "\n";
  answers.close();
  PpoConfig config = ppo_config("base/final", "", "");
  config.data.prompts = {path("answers.jsonl")};
  config.rollout.num_samples_per_prompt = 4;
  config.rollout.refill_equal_groups = 3;
  config.ppo.advantage = AdvantageKind::grpo;
  config.reward.missing_eos = MissingEos::none;
  config.reward.terms = {{.name = "right", .check = RewardCheck::answer}};
  const auto train = [](const PpoConfig& c, const RunOptions& o) { train_ppo(c, o); };
  expect_same_bits(config, "ppo", 4, train, {"final"});
  double refilled = 0;
  for (const auto& line : timeless_metrics(path("ppo-straight")))
    refilled += line.value("rollout/refilled_prompts", 0.0);
  EXPECT_GT(refilled, 0);
}

// The signal comes with the last score of step 2, before its update: the scores of that step must not count twice.
TEST_F(Resume, PpoStoppedBetweenScoresAndUpdateEndsWithTheSameBits) {
  SftConfig sft = sft_config("base");
  sft.train.max_steps = 5;
  train_sft(sft);
  PpoConfig config = ppo_config("base/final", "", "straight");
  config.checkpoint.every_steps = 1;
  config.reward.missing_eos = MissingEos::none;
  config.reward.scaling = RewardScaling::running_mean_std;
  int calls = 0, stop_at = -1;
  const auto reward = reward_from_function([&](const ResponseRecord& sampled) {
    if (++calls == stop_at) set_stop_signal(SIGTERM);
    return static_cast<float>(sampled.response.size());
  });
  train_ppo(config, {}, reward.get());
  calls = 0;
  stop_at = 16;
  config.train.output = path("stopped");
  EXPECT_THROW(train_ppo(config, {}, reward.get()), Interrupted);
  set_stop_signal(0);
  train_ppo(config, {.resume = true}, reward.get());
  EXPECT_EQ(calls, 16 + 3 * 8);
  expect_equal_runs(path("straight"), path("stopped"), {"final", "final-value"});
}

TEST_F(Resume, ARunThatEndsEarlyEndsWithTheSameBits) {
  SftConfig config = sft_config("");
  config.train.max_steps = 20;
  config.data.eval_share = 0.3;
  config.eval.every_steps = 1;
  config.eval.patience = 3;
  config.optimizer.lr = 0;  // no evaluation is better than the first
  const auto train = [](const SftConfig& c, const RunOptions& o) { train_sft(c, o); };
  expect_same_bits(config, "sft", 4, train, {"final", "best"});
  EXPECT_EQ(timeless_metrics(path("sft-straight")).back()["step"], 4);
}

TEST_F(Resume, AFinishedRunSaysSoAndStaysAsItIs) {
  SftConfig config = sft_config("done");
  config.train.max_steps = 2;
  train_sft(config);
  const auto before = testing::fs::last_write_time(path("done/final/model.safetensors"));
  train_sft(config, {.resume = true});
  EXPECT_EQ(before, testing::fs::last_write_time(path("done/final/model.safetensors")));
}

TEST_F(Resume, ALongerRunGoesOn) {
  SftConfig config = sft_config("longer");
  config.train.max_steps = 2;
  config.checkpoint.every_steps = 2;
  config.lr_schedule.kind = LrScheduleKind::constant;
  config.lr_schedule.warmup_share = 0;
  train_sft(config);
  config.train.max_steps = 4;
  train_sft(config, {.resume = true});
  config.train.output = path("at-once");
  train_sft(config);
  expect_equal_runs(path("at-once"), path("longer"), {"final"});
}

TEST_F(Resume, AShorterRunIsRefusedByItsLength) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 3;
  config.checkpoint.every_steps = 1;
  train_sft(config);
  config.train.max_steps = 2;
  EXPECT_THROW(train_sft(config, {.resume = true}), ConfigError);
}

TEST_F(Resume, AFinishedRunWithoutACheckpointIsNotLengthenedInSilence) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 2;
  config.checkpoint.every_steps = 0;
  train_sft(config);
  config.train.max_steps = 4;
  EXPECT_THROW(train_sft(config, {.resume = true}), ConfigError);
}

TEST_F(Resume, AFolderOfAnotherKindIsRefused) {
  testing::fs::create_directories(path("mine/best"));
  std::ofstream(path("mine/best/notes.txt")) << "keep me";
  EXPECT_THROW(train_sft(sft_config("mine"), {.resume = true}), ConfigError);
  EXPECT_EQ(bytes_of(path("mine/best/notes.txt")), "keep me");
}

TEST_F(Resume, AnotherSeedIsRefusedByName) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 3;
  config.checkpoint.every_steps = 1;
  train_sft(config);
  config.train.max_steps = 5;
  config.train.seed = 7;
  try {
    train_sft(config, {.resume = true});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("train.seed: expected 0 as in the run, found 7"), std::string::npos)
        << error.what();
  }
}

TEST_F(Resume, ChangedDataIsRefusedByName) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 3;
  config.checkpoint.every_steps = 1;
  train_sft(config);
  config.train.max_steps = 5;
  std::ofstream(path("demonstrations.jsonl"), std::ios::app) << R"({"prompt":"9+9=","completion":"18"})"
                                                             << "\n";
  try {
    train_sft(config, {.resume = true});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("data.train[0]: expected demonstrations.jsonl crc32"), std::string::npos)
        << error.what();
  }
}

TEST_F(Resume, AFolderThatHoldsARunIsNotOverwritten) {
  SftConfig config = sft_config("run");
  config.train.max_steps = 1;
  train_sft(config);
  EXPECT_THROW(train_sft(config), ConfigError);
}

}  // namespace
}  // namespace rlhf
