// Mistakes that a step could make on an accelerator, planted in the reward of a PPO run: each must be found.
#include <functional>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/log.h"
#include "rlhf/train/ppo.h"
#include "rlhf/train/sft.h"

#include "pretend_device.h"
#include "support/tiny_run.h"

namespace rlhf {
namespace {

using testing::Traffic;
using testing::traffic;

/// A reward that touches the tokens of the rollout, which are on the device.
class Planted final : public RewardSource {
 public:
  explicit Planted(std::function<void(const at::Tensor&)> mistake) : mistake_(std::move(mistake)) {}
  std::vector<float> score(const RewardRequest& request) override {
    mistake_(request.rollout.tokens);
    return std::vector<float>(request.rollout.finish.size(), 1.0F);
  }

 private:
  std::function<void(const at::Tensor&)> mistake_;
};

class PlantedMistakes : public testing::TinyRun {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    if (testing::test_accelerator().is_cuda()) GTEST_SKIP() << "the pretend device finds these mistakes, a GPU may not";
    set_log_sink([](LogLevel, std::string_view) {});
    train_sft(sft_config("base"));
  }
  void TearDown() override {
    set_log_sink({});
    TinyRun::TearDown();
  }

  void train(const std::function<void(const at::Tensor&)>& mistake) {
    PpoConfig config = ppo_config("base/final", "", "ppo");
    config.train.device = DeviceChoice::cuda;
    config.train.total_episodes = config.rollout.batch_size;
    Planted reward(mistake);
    testing::fs::remove_all(path("ppo"));
    train_ppo(config, {}, &reward);
  }
};

class PlantedMistakesDeathTest : public PlantedMistakes {
 protected:
  void SetUp() override {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";  // a fork would lack the threads of LibTorch
    PlantedMistakes::SetUp();
  }
};

TEST_F(PlantedMistakesDeathTest, AHostPointerEndsTheProcess) {
  EXPECT_EXIT(train([](const at::Tensor& tokens) { std::exit(tokens.const_data_ptr<std::int64_t>()[0] == 0); }),
              ::testing::KilledBySignal(SIGSEGV), "the host accessed memory of the device");
}

TEST_F(PlantedMistakes, AHiddenItemIsCounted) {
  const auto count = [this](const std::function<void(const at::Tensor&)>& mistake) {
    const Traffic before = traffic();
    train(mistake);
    return traffic() - before;
  };
  const Traffic without = count([](const at::Tensor&) {});
  const Traffic with = count([](const at::Tensor& tokens) { EXPECT_GE(tokens.max().item<std::int64_t>(), 0); });
  EXPECT_EQ((with - without).text(), "item 1");
}

TEST_F(PlantedMistakes, ATensorOnTheHostIsRefused) {
  const auto mix = [](const at::Tensor& tokens) { tokens.index_select(0, at::zeros({1}, at::kLong)); };
  try {
    train(mix);
    FAIL() << "expected an error";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("Expected all tensors to be on the same device"), std::string::npos);
  }
}

}  // namespace
}  // namespace rlhf
