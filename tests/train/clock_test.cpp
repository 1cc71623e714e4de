// A run keeps the date it began with: chat templates see it again after a resume.
#include <ctime>
#include <fstream>
#include <optional>
#include <string>

#include "rlhf/train/sft.h"

#include "support/chat.h"
#include "support/same_bits.h"

namespace {

std::optional<std::time_t> fixed_time;  // what the clock of this program shows; nothing: the real time

}  // namespace

// Takes the place of the C library's function in this program.
extern "C" std::time_t time(std::time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::time_t seconds = fixed_time.value_or(now.tv_sec);
  if (out != nullptr) *out = seconds;
  return seconds;
}

namespace rlhf {
namespace {

constexpr std::time_t kNoon = 1'750'000'000, kDay = 24 * 60 * 60;  // 2025-06-15

class Clock : public testing::SameBits {
 protected:
  void SetUp() override {
    SameBits::SetUp();
    std::ofstream messages(path("messages.jsonl"));
    for (int a = 0; a < 5; ++a)
      for (int b = 0; b < 4; ++b)
        messages << nlohmann::ordered_json{{"messages",
                                            testing::chat({{"user", std::to_string(a) + "+" + std::to_string(b)},
                                                           {"assistant", std::to_string(a + b)}})}}
                 << "\n";
    std::ofstream(path("tokenizer/chat_template.jinja")) << "{{ strftime_now('%d') }}" << testing::kShortChat;
  }
  void TearDown() override {
    fixed_time.reset();
    SameBits::TearDown();
  }

  SftConfig dated(const std::string& output) const {
    SftConfig config = sft_config(output);
    config.data.train = {{path("messages.jsonl")}};
    config.train.max_steps = 4;
    config.checkpoint.every_steps = 2;
    return config;
  }

  /// Trains in a new folder, stopped after `step` steps.
  void train_until(const SftConfig& config, int step) const {
    const testing::StopAfterStep guard("sft", step);
    EXPECT_THROW(train_sft(config), Interrupted);
  }

  std::string weights(const std::string& output) const {
    return testing::bytes_of(path(output + "/final/model.safetensors"));
  }
};

TEST_F(Clock, TheDateIsInTheTrainedText) {
  fixed_time = kNoon;
  train_sft(dated("today"));
  fixed_time = kNoon + 3 * kDay;
  train_sft(dated("later"));
  EXPECT_FALSE(weights("today") == weights("later"));
}

TEST_F(Clock, AResumeOnAnotherDayTrainsTheSameText) {
  fixed_time = kNoon;
  train_sft(dated("straight"));
  train_until(dated("stopped"), 3);
  fixed_time = kNoon + 3 * kDay;
  train_sft(dated("stopped"), {.resume = true});
  expect_equal_runs(path("straight"), path("stopped"), {"final"});
}

TEST_F(Clock, AResumeWithoutACheckpointTakesTheDateOfRunJson) {
  fixed_time = kNoon;
  train_sft(dated("straight"));
  train_until(dated("stopped"), 1);
  testing::fs::remove_all(path("stopped/checkpoints"));
  fixed_time = kNoon + 3 * kDay;
  train_sft(dated("stopped"), {.resume = true});
  expect_equal_runs(path("straight"), path("stopped"), {"final"});
}

TEST_F(Clock, AFinishedRunIsLengthenedWithItsDate) {
  SftConfig config = dated("straight");
  config.lr_schedule.kind = LrScheduleKind::constant;
  config.lr_schedule.warmup_share = 0;
  fixed_time = kNoon;
  train_sft(config);
  config.train.output = path("longer");
  config.train.max_steps = 2;
  train_sft(config);
  fixed_time = kNoon + 3 * kDay;
  config.train.max_steps = 4;
  train_sft(config, {.resume = true});
  expect_equal_runs(path("straight"), path("longer"), {"final"});
}

}  // namespace
}  // namespace rlhf
