// Every whole number of every config, at the ends of what a user can write.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/read_config.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

bool is_whole(const Option& option) {
  if (std::holds_alternative<std::int64_t*>(option.slot)) return true;
  const auto* maybe = std::get_if<Maybe>(&option.slot);
  return maybe != nullptr && is_whole(*maybe->shape);
}

/// Those of list items cannot be set alone; validate_test.cpp has one.
template <typename Config>
std::vector<std::string> whole_keys() {
  Config config;
  const Section bound = bind(config);
  std::vector<std::string> keys;
  for (const Leaf& leaf : leaves(bound))
    if (is_whole(*leaf.option) && leaf.path.find("[]") == std::string::npos) keys.push_back(leaf.path);
  return keys;
}

/// What a config holds after `key`=`text`, or the one line that refuses it.
struct Reading {
  std::optional<std::string> value;
  std::string refusal;
};
template <typename Config>
Reading read(const std::string& key, const std::string& text) {
  Config config;
  const Section bound = bind(config);
  try {
    read_options(bound, "", {key + "=" + text}, [] { return std::vector<Issue>{}; });
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.issues().size(), 1u) << key << "=" << text;
    return {std::nullopt, error.issues().front()};
  }
  return {flat_values(config).at(key), ""};
}

template <typename Config>
void expect_bounds(std::size_t at_least_this_many) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max(), kLargest = 2147483647;
  const std::vector<std::string> keys = whole_keys<Config>();
  EXPECT_GE(keys.size(), at_least_this_many);
  for (const std::string& key : keys) {
    const bool seed = key == "seed" || key.ends_with(".seed");
    for (const std::int64_t value :
         {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, std::int64_t{64}, kLargest, kLargest + 1, kMost}) {
      const Reading reading = read<Config>(key, std::to_string(value));
      if (value < 0 || (value > kLargest && !seed)) {
        EXPECT_FALSE(reading.value) << key << "=" << value;
      }
      if (value == 64 || seed) {
        EXPECT_EQ(reading.value.has_value(), value >= 0) << key << "=" << value;
      }
      if (reading.value) {
        EXPECT_EQ(*reading.value, std::to_string(value)) << key;
        continue;
      }
      EXPECT_NE(reading.refusal.find(key + ": expected a whole number"), std::string::npos) << reading.refusal;
      EXPECT_NE(reading.refusal.find("found " + std::to_string(value)), std::string::npos) << reading.refusal;
      if (value > kLargest) {
        EXPECT_TRUE(reading.refusal.find("at most 2147483647") != std::string::npos ||
                    reading.refusal.find("from ") != std::string::npos)
            << reading.refusal;
      }
    }
    // One more than 64 bits hold.
    EXPECT_NE(read<Config>(key, "9223372036854775808").refusal, "") << key;
    EXPECT_NE(read<Config>(key, "1e3").refusal, "") << key;
  }
}

TEST(ExtremeNumbers, AreReadExactlyOrRefusedInOneLine) {
  expect_bounds<SftConfig>(18);
  expect_bounds<RewardModelConfig>(18);
  expect_bounds<PpoConfig>(16);
  expect_bounds<DpoConfig>(18);
  expect_bounds<GenerateConfig>(6);
}

TEST(ExtremeNumbers, NameTheLargestSeed) {
  EXPECT_NE(read<PpoConfig>("train.seed", "9223372036854775808").refusal.find("at most 9223372036854775807"),
            std::string::npos);
}

TEST(ExtremeNumbers, OfThreadsAreBoundedByTheMachine) {
  SftConfig config;
  const auto says = [&](std::int64_t threads) {
    config.train.threads = threads;
    for (const Issue& issue : validate(config))
      if (issue.keys.front() == "train.threads") return issue.message;
    return std::string();
  };
  EXPECT_EQ(says(1), "");
  EXPECT_EQ(says(64), "");
  EXPECT_NE(says(2147483647).find("found 2147483647"), std::string::npos);
  GenerateConfig generate;
  generate.threads = 2147483647;
  bool refused = false;
  for (const Issue& issue : validate(generate)) refused |= issue.keys.front() == "threads";
  EXPECT_TRUE(refused);
}

TEST(ExtremeNumbers, OfWhatIsHeldInMemoryAreBounded) {
  GenerateConfig config;
  config.model = "m";
  config.prompt = "p";
  config.num_samples = config.batch_size = 65536;
  EXPECT_TRUE(validate(config).empty());
  config.num_samples = 1000000000;
  ASSERT_EQ(validate(config).size(), 1u);
  EXPECT_EQ(validate(config).front().message,
            "expected at most 65536 responses per prompt, which are held in memory, found 1000000000");
  config.num_samples = 1;
  config.batch_size = 2147483647;
  ASSERT_EQ(validate(config).size(), 1u);
  EXPECT_EQ(validate(config).front().keys.front(), "batch_size");
}

}  // namespace
}  // namespace rlhf
