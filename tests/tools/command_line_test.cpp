#include "command_line.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

template <typename Config>
Command<Config> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tool");
  return parse_command<Config>(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, GivesConfigAndFlags) {
  const auto command = parse<PpoConfig>({"model.policy=m", "--resume", "model.reward=w", "data.prompts=[a]",
                                         "train.output=r", "--dry-run", "ppo.kl_coef=0.5"});
  EXPECT_TRUE(command.line.resume);
  EXPECT_TRUE(command.line.dry_run);
  EXPECT_FALSE(command.line.accept_differences);
  EXPECT_EQ(command.config.ppo.kl_coef, 0.5);
}

TEST(CommandLine, TakesEveryKeyOfGenerateAsAFlag) {
  const auto config =
      parse<GenerateConfig>({"--model", "m", "--prompt", "{\"x\": \"*a\"} # b\n", "--max-new-tokens", "64",
                             "--temperature=0", "--json", "--threads", "2", "--device", "cpu", "--seed=7"})
          .config;
  EXPECT_EQ(config.model, "m");
  EXPECT_EQ(config.prompt, "{\"x\": \"*a\"} # b\n");
  EXPECT_EQ(config.max_new_tokens, 64);
  EXPECT_EQ(config.temperature, 0.0);
  EXPECT_TRUE(config.json);
  EXPECT_EQ(config.threads, 2);
  EXPECT_EQ(config.device, DeviceChoice::cpu);
  EXPECT_EQ(config.seed, 7);
}

TEST(CommandLine, TakesTextThatLooksLikeAFlagAfterAnEqualsSign) {
  EXPECT_EQ(parse<GenerateConfig>({"--model=m", "--prompt=--hello"}).config.prompt, "--hello");
  EXPECT_EQ(parse<GenerateConfig>({"--model=m", "--prompt=x", "--json=false"}).config.json, false);
}

TEST(CommandLine, RefusesAFlagWithoutItsValue) {
  EXPECT_THROW(parse<SftConfig>({"--config"}), ConfigError);
  EXPECT_THROW(parse<GenerateConfig>({"--prompt", "x", "--model"}), ConfigError);
}

TEST(CommandLine, HelpAndVersionNeedNoConfig) {
  EXPECT_TRUE(parse<SftConfig>({"--help"}).line.help);
  EXPECT_TRUE(parse<SftConfig>({"--version"}).line.version);
}

TEST(CommandLine, HelpListsEveryFlagAndKey) {
  PpoConfig config;
  const std::string help = help_text(kTool<PpoConfig>, bind(config));
  for (const char* flag : {"--config FILE", "--dry-run", "--resume", "--accept-differences", "--print-config",
                           "--schema", "--help", "--version"}) {
    EXPECT_NE(help.find(std::string("\n  ") + flag + " "), std::string::npos) << flag;
  }
  const Section bound = bind(config);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound)) {
    EXPECT_NE(help.find("\n  " + leaf.path + " "), std::string::npos) << leaf.path;
  }
}

}  // namespace
}  // namespace rlhf
