// Memory of a GPU that runs out while models are loaded, and in the middle of a step.
#include <optional>

#include "rlhf/core/log.h"
#include "rlhf/train/sft.h"

#include "pretend_device.h"
#include "pretend_memory.h"
#include "support/same_bits.h"

namespace rlhf {
namespace {

/// Leaves the pretend device `bytes` of memory.
class LittleMemory {
 public:
  explicit LittleMemory(std::int64_t bytes) { memory_.set_capacity(memory_.used() + bytes); }
  ~LittleMemory() { memory_.set_capacity(before_); }

 private:
  testing::PretendMemory& memory_ = testing::PretendMemory::instance();
  std::int64_t before_ = memory_.capacity();
};

using Loading = testing::TinyRun;

TEST_F(Loading, WithoutRoomOnTheGpuSaysWhatWasForecastAndFound) {
  if (testing::test_accelerator().is_cuda()) GTEST_SKIP() << "the memory of the pretend device has a limit to set";
  SftConfig config = sft_config("run");
  config.train.device = DeviceChoice::cuda;
  config.train.check_memory = false;
  const LittleMemory little(16 << 10);
  try {
    train_sft(config);
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("out of memory while models were loaded: expected at most ")) << message;
    for (const char* part :
         {" (forecast), found no room for ", " bytes after a peak of ", " available (free memory of pretend:0)",
          "; hint: lower train.micro_batch_tokens, train.batch_size, data.max_length or the size of the model"})
      EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
  EXPECT_FALSE(testing::fs::exists(path("run/run.json")));
}

TEST_F(Loading, AStepThatRunsOutNamesTheCheckpointAndARunWithMoreMemoryGoesOn) {
  if (testing::test_accelerator().is_cuda()) GTEST_SKIP() << "the memory of the pretend device has a limit to set";
  SftConfig config = sft_config("run");
  config.train.device = DeviceChoice::cuda;
  config.train.max_steps = 3;
  config.train.check_memory = false;
  config.checkpoint.every_steps = 1;
  config.log.samples_every_steps = 0;
  {
    std::optional<LittleMemory> little;
    set_log_sink([&](LogLevel, std::string_view line) {
      if (line.starts_with("sft 1/")) little.emplace(4 << 10);
    });
    try {
      train_sft(config);
      FAIL() << "nothing was thrown";
    } catch (const DeviceError& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with("out of memory after step 1: expected at most ")) << message;
      EXPECT_NE(message.find("step 1"), std::string::npos) << message;
      EXPECT_NE(message.find("hint: lower train.micro_batch_tokens"), std::string::npos) << message;
    }
    set_log_sink({});
  }
  EXPECT_EQ(train_sft(config, {.resume = true}).steps, 2);
}

}  // namespace
}  // namespace rlhf
