// Memory of a GPU that runs out while models are loaded.
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

}  // namespace
}  // namespace rlhf
