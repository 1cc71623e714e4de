#include "command_line.h"

#include <iterator>
#include <sstream>
#include <string>
#include <type_traits>
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
                             "--temperature=0", "--json", "--threads", "2", "--device", "cuda:1", "--seed=7"})
          .config;
  EXPECT_EQ(config.model, "m");
  EXPECT_EQ(config.prompt, "{\"x\": \"*a\"} # b\n");
  EXPECT_EQ(config.max_new_tokens, 64);
  EXPECT_EQ(config.temperature, 0.0);
  EXPECT_TRUE(config.json);
  EXPECT_EQ(config.threads, 2);
  EXPECT_EQ(config.device, (DeviceChoice{DeviceChoice::Kind::cuda, 1}));
  EXPECT_EQ(config.seed, 7);
}

TEST(CommandLine, TakesTextThatLooksLikeAFlagAfterAnEqualsSign) {
  EXPECT_EQ(parse<GenerateConfig>({"--model=m", "--prompt=--hello"}).config.prompt, "--hello");
  EXPECT_EQ(parse<GenerateConfig>({"--model=m", "--prompt=x", "--json=false"}).config.json, false);
}

TEST(CommandLine, EvaluatesWithoutARunFolderAndTrainingData) {
  const std::vector<const char*> evaluation = {"--eval-only", "--eval-output=x.json", "model.path=m", "data.eval=[a]"};
  const auto command = parse<RewardModelConfig>(evaluation);
  EXPECT_TRUE(command.line.eval_only);
  EXPECT_EQ(command.line.eval_output, "x.json");
  EXPECT_THROW(parse<RewardModelConfig>({"model.path=m", "data.eval=[a]"}), ConfigError) << "a run needs both";
  EXPECT_THROW(parse<SftConfig>({"--eval-only", "model.path=m"}), ConfigError) << "there is nothing to evaluate on";
  EXPECT_THROW(parse<SftConfig>({"--eval-only", "--dry-run", "model.path=m", "data.train=[a]"}), ConfigError);
  EXPECT_THROW(parse<SftConfig>({"--eval-output=x", "model.path=m", "data.train=[a]", "train.output=r"}), ConfigError);
  EXPECT_THROW(parse<PpoConfig>({"--eval-only"}), ConfigError);
  EXPECT_TRUE(parse<DpoConfig>({"--eval-only", "model.path=m", "data.train=[a]"}).line.eval_only);
}

TEST(CommandLine, ScoresGivenAnswersWithoutAModel) {
  const auto config = parse<GenerateConfig>({"--reward", "w", "--input", "a.jsonl"}).config;
  EXPECT_TRUE(config.scores_given_answers());
  EXPECT_FALSE(parse<GenerateConfig>({"--model", "m", "--reward", "w", "--input", "a"}).config.scores_given_answers());
  EXPECT_THROW(parse<GenerateConfig>({"--reward", "w", "--prompt", "a"}), ConfigError);
  EXPECT_THROW(parse<GenerateConfig>({"--score-only", "--model", "m", "--input", "a"}), ConfigError);
}

TEST(CommandLine, RefusesAFlagWithoutItsValue) {
  EXPECT_THROW(parse<SftConfig>({"--config"}), ConfigError);
  EXPECT_THROW(parse<GenerateConfig>({"--prompt", "x", "--model"}), ConfigError);
}

TEST(CommandLine, GivesTheClusterOfADryRun) {
  const std::vector<const char*> config = {"model.path=m", "data.train=[a]", "train.output=r"};
  const auto cluster = [&](std::vector<const char*> flags) {
    flags.insert(flags.end(), config.begin(), config.end());
    return parse<SftConfig>(flags).line.cluster;
  };
  EXPECT_FALSE(cluster({"--dry-run"}));
  const auto given = cluster({"--dry-run", "--world=12", "--nodes=3", "--gpu=a100"});
  ASSERT_TRUE(given);
  EXPECT_EQ(given->ranks, 12);
  EXPECT_EQ(given->nodes, 3);
  EXPECT_EQ(given->gpu, GpuKind::a100);
  EXPECT_EQ(cluster({"--dry-run", "--world", "1024", "--gpu", "h200"})->nodes, 128) << "eight GPUs on each";
  EXPECT_EQ(cluster({"--dry-run", "--world", "4", "--gpu", "l40s"})->nodes, 1);
  EXPECT_THROW(parse<GenerateConfig>({"--model", "m", "--prompt", "x", "--world", "8"}), ConfigError);
}

TEST(CommandLine, HelpAndVersionNeedNoConfig) {
  EXPECT_TRUE(parse<SftConfig>({"--help"}).line.help);
  EXPECT_TRUE(parse<SftConfig>({"--version"}).line.version);
}

TEST(CommandLine, HelpHasAnExampleThatTheToolTakes) {
  const auto expect_taken = [](const Tool& tool, const auto& config) {
    using Config = std::decay_t<decltype(config)>;
    std::istringstream words(tool.example);
    std::vector<std::string> arguments(std::istream_iterator<std::string>(words), {});
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    EXPECT_NO_THROW(parse<Config>(pointers)) << tool.name;
    Config defaults;
    EXPECT_NE(help_text(tool, bind(defaults)).find(std::string("example: ") + tool.name), std::string::npos);
  };
  expect_taken(kTool<SftConfig>, SftConfig());
  expect_taken(kTool<RewardModelConfig>, RewardModelConfig());
  expect_taken(kTool<PpoConfig>, PpoConfig());
  expect_taken(kTool<DpoConfig>, DpoConfig());
  expect_taken(kTool<GenerateConfig>, GenerateConfig());
}

TEST(CommandLine, HelpListsEveryFlagAndKey) {
  PpoConfig config;
  const std::string help = help_text(kTool<PpoConfig>, bind(config));
  for (const char* flag : {"--config FILE", "--dry-run", "--world N", "--gpu NAME", "--nodes M", "--resume",
                           "--accept-differences", "--print-config", "--schema", "--help", "--version"}) {
    EXPECT_NE(help.find(std::string("\n  ") + flag + " "), std::string::npos) << flag;
  }
  const Section bound = bind(config);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound)) {
    EXPECT_NE(help.find("\n  " + leaf.path + " "), std::string::npos) << leaf.path;
  }
}

}  // namespace
}  // namespace rlhf
