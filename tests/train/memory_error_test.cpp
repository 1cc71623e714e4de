// Memory that runs out in the middle of a step.
#include <functional>
#include <new>

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "rlhf/core/memory.h"
#include "rlhf/core/message.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/sft.h"

#include "support/same_bits.h"

namespace rlhf {
namespace {

using testing::bytes_of;

class MemoryError : public testing::SameBits {
 protected:
  void SetUp() override {
    SameBits::SetUp();
    SftConfig sft = sft_config("base");
    sft.train.max_steps = 1;
    train_sft(sft);
  }

  PpoConfig four_steps(const std::string& output) const {
    PpoConfig config = ppo_config("base/final", "", output);
    config.checkpoint.every_steps = 2;
    return config;
  }

  /// Rewards 0, and `failure` in the middle of step 4, after the checkpoint of step 2.
  static std::unique_ptr<RewardSource> failing(const std::function<void()>& failure) {
    return reward_from_function([failure, count = 0](const ResponseRecord&) mutable {
      if (++count == 3 * 8 + 4) failure();
      return 0.0F;
    });
  }

  std::string message_of(const PpoConfig& config, const std::function<void()>& failure) {
    try {
      train_ppo(config, {}, failing(failure).get());
    } catch (const DeviceError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::device);
      return error.what();
    }
    return "";
  }

  std::string forecast(const std::string& run) const {
    return binary_size(nlohmann::json::parse(bytes_of(path(run + "/run.json"))).at("plan").at("memory_bytes"));
  }
};

struct Failure {
  const char* name;
  std::function<void()> happen;
  std::string request;
};
const Failure kFailures[] = {
    {"of a vector", [] { throw std::bad_alloc(); }, "memory"},
    {"of LibTorch's CPU allocator", [] { at::empty({std::int64_t{1} << 60}, at::kByte); }, "1152921504606846976 bytes"},
    {"of a GPU",
     [] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has"); },
     "20.00 MiB"},
};

TEST_F(MemoryError, LeavesACheckpointFromWhichARunEndsWithTheSameBits) {
  const auto zero = failing([] {});
  train_ppo(four_steps("straight"), {}, zero.get());
  for (const Failure& failure : kFailures) {
    PpoConfig config = four_steps("broken");
    std::filesystem::remove_all(config.train.output);
    const std::string message = message_of(config, failure.happen);
    const std::string begin = "out of memory after step 3: expected at most " + forecast("broken") +
                              " (forecast), found no room for " + failure.request + " after a peak of ";
    EXPECT_EQ(message.substr(0, begin.size()), begin) << failure.name;
    EXPECT_NE(message.find("; the checkpoint of step 2 remains, and --resume continues from it; hint: lower "
                           "train.micro_batch_tokens, rollout.batch_size, rollout.max_new_tokens or the size of the "
                           "model"),
              std::string::npos)
        << message;
    EXPECT_EQ(message_line(message), message) << "one line that is not cut";
    train_ppo(config, {.resume = true}, failing([] {}).get());
    expect_equal_runs(path("straight"), path("broken"), {"final", "final-value"});
  }
}

TEST_F(MemoryError, BeforeTheFirstCheckpointSaysThatThereIsNone) {
  PpoConfig config = four_steps("broken");
  config.checkpoint.every_steps = 0;
  EXPECT_NE(message_of(config, kFailures[0].happen).find("; the run has saved no checkpoint; hint: lower "),
            std::string::npos);
}

TEST_F(MemoryError, LetsASmallerMicroBatchResume) {
  PpoConfig config = four_steps("broken");
  message_of(config, kFailures[0].happen);
  config.train.micro_batch_tokens = 600;
  EXPECT_THROW(train_ppo(config, {.resume = true}, failing([] {}).get()), ConfigError);
  train_ppo(config, {.resume = true, .accept_differences = true}, failing([] {}).get());
  EXPECT_TRUE(std::filesystem::exists(path("broken/final")));
}

TEST_F(MemoryError, IsNotWhatElseFails) {
  const auto fail = [] { throw std::runtime_error("another error"); };
  EXPECT_THROW(train_ppo(four_steps("broken"), {}, failing(fail).get()), std::runtime_error);
}

}  // namespace
}  // namespace rlhf
