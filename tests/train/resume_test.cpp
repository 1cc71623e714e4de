#include <csignal>
#include <fstream>

#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::bytes_of;
using testing::timeless_metrics;
using testing::TinyRun;

/// Raises the stop flag when the progress line of this step is logged: after the step, before anything else.
class StopAfterStep {
 public:
  explicit StopAfterStep(const std::string& stage, int step) {
    set_log_sink([mark = stage + " " + std::to_string(step) + "/"](LogLevel, std::string_view line) {
      if (line.starts_with(mark)) set_stop_signal(SIGTERM);
    });
  }
  ~StopAfterStep() {
    set_log_sink({});
    set_stop_signal(0);
  }
};

class Resume : public TinyRun {
 protected:
  /// Runs `train` straight, and stopped after every step in turn and resumed; both must leave the same bits.
  template <typename Config, typename Train>
  void expect_same_bits(Config config, const std::string& stage, int steps, const Train& train,
                        const std::vector<std::string>& models) {
    config.checkpoint.every_steps = 2;
    config.train.output = path(stage + "-straight");
    train(config, RunOptions{});
    for (int stop = 1; stop < steps; ++stop) {
      const std::string output = path(stage + "-stopped-" + std::to_string(stop));
      config.train.output = output;
      {
        const StopAfterStep guard(stage, stop);
        EXPECT_THROW(train(config, RunOptions{}), Interrupted);
      }
      EXPECT_FALSE(testing::fs::exists(output + "/final"));
      train(config, RunOptions{.resume = true});
      expect_equal_runs(path(stage + "-straight"), output, models);
    }
  }

  /// As after kill -9: the newest checkpoint is gone and the metrics run ahead of the one that is left.
  template <typename Config, typename Train>
  void expect_same_bits_after_loss(Config config, const std::string& stage, const Train& train,
                                   const std::vector<std::string>& models) {
    config.checkpoint = {.every_steps = 1, .keep_last = 10};
    config.train.output = path(stage + "-lost");
    train(config, RunOptions{});
    for (const auto& entry : testing::fs::directory_iterator(path(stage + "-lost/checkpoints")))
      if (entry.path().filename() > "step-000002") testing::fs::remove_all(entry.path());
    for (const auto& model : models) testing::fs::remove_all(path(stage + "-lost/" + model));
    train(config, RunOptions{.resume = true});
    expect_equal_runs(path(stage + "-straight"), path(stage + "-lost"), models);
  }

  static void expect_equal_runs(const std::string& straight, const std::string& other,
                                const std::vector<std::string>& models) {
    EXPECT_EQ(timeless_metrics(straight), timeless_metrics(other)) << other;
    const auto samples = [](const std::string& run) {
      return testing::fs::exists(run + "/samples.jsonl") ? bytes_of(run + "/samples.jsonl") : "";
    };
    EXPECT_EQ(samples(straight), samples(other)) << other;
    for (const auto& model : models)
      EXPECT_TRUE(bytes_of(straight + "/" + model + "/model.safetensors") ==
                  bytes_of(other + "/" + model + "/model.safetensors"))
          << other << "/" << model;
    const auto last = newest_checkpoint(straight);
    for (const auto& entry : testing::fs::directory_iterator(last)) {
      if (entry.path().extension() != ".safetensors") continue;
      EXPECT_TRUE(bytes_of(entry.path()) == bytes_of(newest_checkpoint(other) / entry.path().filename()))
          << other << ": " << entry.path().filename();
    }
  }

  static testing::fs::path newest_checkpoint(const std::string& run) {
    testing::fs::path newest;
    for (const auto& entry : testing::fs::directory_iterator(run + "/checkpoints"))
      newest = std::max(newest, entry.path());
    return newest;
  }
};

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
