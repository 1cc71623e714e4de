// Ranges of a config that a program filled.
#include "rlhf/config/check_config.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

template <typename C>
concept LeavesOf = requires(C&& section) {
  leaves(std::forward<C>(section));
};
static_assert(LeavesOf<const Section&>);
static_assert(!LeavesOf<Section>, "leaves point into a section, which must not be a temporary");

PpoConfig good() {
  PpoConfig config;
  config.model.policy = "policy";
  config.data.prompts = {"prompts.jsonl"};
  config.train.output = "runs/ppo";
  return config;
}

std::string fault_of(const PpoConfig& config) {
  try {
    check_config(config);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckConfig, TakesDefaultsAndReportsWhatIsOutOfRange) {
  EXPECT_EQ(fault_of(good()), "");
  PpoConfig config = good();
  config.ppo.gamma = 2;
  EXPECT_EQ(fault_of(config), "ppo.gamma: expected a number, from 0 to 1, found 2");
  config = good();
  config.rollout.temperature = -1;
  EXPECT_NE(fault_of(config).find("rollout.temperature: expected a number, above 0, found -1"), std::string::npos)
      << fault_of(config);
  config = good();
  config.optimizer.betas[1] = 1;
  EXPECT_NE(fault_of(config).find("optimizer.betas: "), std::string::npos) << fault_of(config);
  config = good();
  config.ppo.cliprange = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(fault_of(config).find("ppo.cliprange: "), std::string::npos) << fault_of(config);
  config = good();
  config.train.threads = 0;
  EXPECT_NE(fault_of(config).find("train.threads: expected"), std::string::npos) << fault_of(config);
  config = good();
  config.reward.missing_eos = static_cast<MissingEos>(17);
  EXPECT_NE(fault_of(config).find("reward.missing_eos: expected one of replace, subtract, none, found another value"),
            std::string::npos)
      << fault_of(config);
  for (const DeviceChoice wrong : {DeviceChoice{DeviceChoice::Kind::cuda, -1}, DeviceChoice{DeviceChoice::Kind::cpu, 1},
                                   DeviceChoice{static_cast<DeviceChoice::Kind>(17), {}}}) {
    config = good();
    config.train.device = wrong;
    EXPECT_EQ(fault_of(config), "train.device: expected one of auto, cpu, cuda, cuda:N, found another value");
  }
}

TEST(CheckConfig, ReportsAllFaultsAndTheRulesBetweenKeys) {
  SftConfig config;
  config.data.train = {{"a.jsonl", -2.0}};
  config.train.batch_size = 0;
  try {
    check_config(config);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    for (const char* part : {"data.train[0].weight: ", "train.batch_size: ", "model.path: ", "train.output: "})
      EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

}  // namespace
}  // namespace rlhf
