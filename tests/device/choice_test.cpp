// Which GPU a run uses, on a machine with two.
#include "rlhf/train/sft.h"

#include "pretend_device.h"
#include "pretend_memory.h"
#include "support/same_bits.h"
#include "tensor/accelerator.h"

namespace rlhf {
namespace {

class Choice : public testing::SameBits {
 protected:
  void SetUp() override {
    SameBits::SetUp();
    type_ = testing::test_accelerator().type();
    if (accelerator().count() < 2) GTEST_SKIP() << "needs a machine with two GPUs";
  }

  SftConfig on(int index, const std::string& output) const {
    SftConfig config = sft_config(output);
    config.train.device = {DeviceChoice::Kind::cuda, index};
    config.train.max_steps = 4;
    config.checkpoint.every_steps = 2;
    return config;
  }

  c10::DeviceType type_ = c10::kCPU;
};

TEST_F(Choice, LeavesTheOtherGpuAlone) {
  if (type_ == c10::kCUDA) GTEST_SKIP() << "the memory of the pretend device is counted";
  const auto& memory = testing::PretendMemory::instance();
  const std::int64_t first = memory.num_allocated(0), second = memory.num_allocated(1);
  train_sft(on(1, "second"));
  EXPECT_EQ(memory.num_allocated(0), first);
  EXPECT_GT(memory.num_allocated(1), second);
}

TEST_F(Choice, ResumesOnAnotherGpuWithTheSameBits) {
  train_sft(on(0, "straight"));
  {
    const testing::StopAfterStep guard("sft", 2);
    EXPECT_THROW(train_sft(on(0, "moved")), Interrupted);
  }
  train_sft(on(1, "moved"), {.resume = true});
  expect_equal_runs(path("straight"), path("moved"), {"final"});
}

TEST_F(Choice, DoesNotResumeOnTheCpu) {
  {
    const testing::StopAfterStep guard("sft", 2);
    EXPECT_THROW(train_sft(on(0, "run")), Interrupted);
  }
  SftConfig config = on(0, "run");
  config.train.device = DeviceChoice::cpu;
  try {
    train_sft(config, {.resume = true});
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("machine.device: expected "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(" as in the run, found cpu"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rlhf
