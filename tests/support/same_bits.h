#pragma once

#include <algorithm>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/train/run_options.h"

#include "support/tiny_run.h"

namespace rlhf::testing {

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

/// Runs that are stopped or lose a checkpoint, and resumed, must end with the bits of a run that is left alone.
class SameBits : public TinyRun {
 protected:
  /// Runs `train` straight, and stopped after every step in turn (the last one is before the final save) and resumed;
  /// both must leave the same bits.
  template <typename Config, typename Train>
  void expect_same_bits(Config config, const std::string& stage, int steps, const Train& train,
                        const std::vector<std::string>& models) {
    config.checkpoint.every_steps = 2;
    config.train.output = path(stage + "-straight");
    train(config, RunOptions{});
    for (int stop = 1; stop <= steps; ++stop) {
      const std::string output = path(stage + "-stopped-" + std::to_string(stop));
      config.train.output = output;
      {
        const StopAfterStep guard(stage, stop);
        EXPECT_THROW(train(config, RunOptions{}), Interrupted);
      }
      EXPECT_FALSE(fs::exists(output + "/final"));
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
    for (const auto& entry : fs::directory_iterator(path(stage + "-lost/checkpoints")))
      if (entry.path().filename() > "step-000002") fs::remove_all(entry.path());
    for (const auto& model : models) fs::remove_all(path(stage + "-lost/" + model));
    train(config, RunOptions{.resume = true});
    expect_equal_runs(path(stage + "-straight"), path(stage + "-lost"), models);
  }

  static void expect_equal_runs(const std::string& straight, const std::string& other,
                                const std::vector<std::string>& models) {
    EXPECT_EQ(timeless_metrics(straight), timeless_metrics(other)) << other;
    const auto samples = [](const std::string& run) {
      return fs::exists(run + "/samples.jsonl") ? bytes_of(run + "/samples.jsonl") : "";
    };
    EXPECT_EQ(samples(straight), samples(other)) << other;
    for (const auto& model : models) expect_equal_tensors(straight + "/" + model, other + "/" + model);
    expect_equal_tensors(newest_checkpoint(straight), newest_checkpoint(other));
  }

  /// Every .safetensors of a folder, of which there must be one.
  static void expect_equal_tensors(const fs::path& straight, const fs::path& other) {
    int compared = 0;
    for (const auto& entry : fs::directory_iterator(straight)) {
      if (entry.path().extension() != ".safetensors") continue;
      EXPECT_TRUE(bytes_of(entry.path()) == bytes_of(other / entry.path().filename()))
          << other << ": " << entry.path().filename();
      ++compared;
    }
    EXPECT_GT(compared, 0) << straight;
  }

  static fs::path newest_checkpoint(const std::string& run) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(run + "/checkpoints")) newest = std::max(newest, entry.path());
    return newest;
  }
};

}  // namespace rlhf::testing
