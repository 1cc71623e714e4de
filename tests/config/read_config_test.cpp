#include "rlhf/config/read_config.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/temp_file.h"

namespace rlhf {
namespace {

template <typename C>
C read_without_rules(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
  return read_config<C>(file, overrides, [](const C&) { return std::vector<Issue>{}; });
}

TEST(ReadConfig, TakesEveryKindOfValueFromYaml) {
  const TempFile file("a.yaml",
                      "# a comment\n"
                      "model:\n"
                      "  init: {hidden_size: 128}\n"
                      "data:\n"
                      "  train:\n"
                      "  - a.jsonl\n"
                      "  - 'b c.jsonl'\n"
                      "  eval_share: 2e-2\n"
                      "  fields: {prompt: question}\n"
                      "  template: \"{prompt}\\n{completion}\"\n"
                      "  over_length: truncate\n"
                      "train:\n"
                      "  output: 2026\n"
                      "  max_steps: +5\n"
                      "  threads: ~\n"
                      "  device: cuda:1\n"
                      "optimizer: {betas: [0.8, .9]}\n"
                      "log: {tensorboard: False}\n"
                      "eval:\n");
  const auto config = read_without_rules<SftConfig>(file.path());
  EXPECT_EQ(config.model.init.value().hidden_size, 128);
  EXPECT_EQ(config.model.init->num_hidden_layers, ModelInit{}.num_hidden_layers);
  EXPECT_EQ(config.data.train, (std::vector<WeightedPath>{{"a.jsonl"}, {"b c.jsonl"}}));
  EXPECT_EQ(config.data.eval_share, 0.02);
  EXPECT_EQ(config.data.fields.at("prompt"), "question");
  EXPECT_EQ(config.data.template_, "{prompt}\n{completion}");
  EXPECT_EQ(config.data.over_length, OverLength::truncate);
  EXPECT_EQ(config.train.output, "2026");
  EXPECT_EQ(config.train.max_steps, 5);
  EXPECT_FALSE(config.train.threads.has_value());
  EXPECT_EQ(config.train.device, (DeviceChoice{DeviceChoice::Kind::cuda, 1}));
  EXPECT_EQ(config.optimizer.betas, (std::array<double, 2>{0.8, 0.9}));
  EXPECT_FALSE(config.log.tensorboard);
  EXPECT_EQ(config.eval.max_samples, EvalOptions{}.max_samples);
}

TEST(ReadConfig, TakesTheSameFromJson) {
  const TempFile file("a.json",
                      R"({"model": {"init": null, "path": "m\/\ud83d\ude00"}, "data": {"train": ["a"]},
                          "optimizer": {"lr": 1e-4}, "train": {"batch_size": 8, "dtype": "float32"}})");
  const auto config = read_without_rules<SftConfig>(file.path());
  EXPECT_EQ(config.model.path, "m/\xF0\x9F\x98\x80");
  EXPECT_FALSE(config.model.init.has_value());
  EXPECT_EQ(config.optimizer.lr, 1e-4);
  EXPECT_EQ(config.train.batch_size, 8);
  EXPECT_EQ(config.train.dtype, DtypeChoice::float32);
}

TEST(ReadConfig, OverridesAreStrongerThanTheFileAndTheLastOneWins) {
  const TempFile file("a.yaml", "ppo: {kl_coef: 0.1, gamma: 0.9}\nmodel: {value: v}\n");
  const auto config = read_without_rules<PpoConfig>(
      file.path(), {"ppo.kl_coef=0.2", "ppo.kl_coef=0.3", "data.prompts=[a, b/*.jsonl]", "optimizer.betas=[0.5, 0.6]",
                    "data.fields.prompt=question", "train.threads=3", "train.device=cuda:1", "model.value="});
  EXPECT_EQ(config.ppo.kl_coef, 0.3);
  EXPECT_EQ(config.ppo.gamma, 0.9);
  EXPECT_EQ(config.data.prompts, (std::vector<std::string>{"a", "b/*.jsonl"}));
  EXPECT_EQ(config.optimizer.betas, (std::array<double, 2>{0.5, 0.6}));
  EXPECT_EQ(config.data.fields.at("prompt"), "question");
  EXPECT_EQ(config.train.threads, 3);
  EXPECT_EQ(config.train.device, (DeviceChoice{DeviceChoice::Kind::cuda, 1}));
  EXPECT_EQ(config.model.value, "");
}

// A shell has already taken the quotes away, so the text of a template must not be read as YAML.
TEST(ReadConfig, TextOfAnOverrideIsTakenAsItStands) {
  for (const char* text : {"{prompt} {completion}", "{prompt}\n{completion}", "# {prompt}: {completion}", "{prompt}",
                           "[x]", "*a", "null", "a=b", "it's"}) {
    EXPECT_EQ(read_without_rules<PpoConfig>("", {std::string("data.template=") + text}).data.template_, text);
  }
  EXPECT_EQ(read_without_rules<PpoConfig>("", {R"(data.template="a\nb")"}).data.template_, "a\nb");
}

TEST(ReadConfig, AnOverrideReachesIntoAnAbsentSection) {
  const auto config =
      read_without_rules<SftConfig>("", {"model.init.hidden_size=32", "model.init.num_hidden_layers=3"});
  EXPECT_EQ(config.model.init.value().hidden_size, 32);
  EXPECT_EQ(config.model.init->num_hidden_layers, 3);
  EXPECT_FALSE(
      read_without_rules<SftConfig>("", {"model.init.hidden_size=32", "model.init=null"}).model.init.has_value());
}

TEST(ReadConfig, AnEmptyFileMeansTheDefaults) {
  for (const char* text : {"", "# nothing but a comment\n", "{}"}) {
    const TempFile file("a.yaml", text);
    EXPECT_EQ(read_without_rules<PpoConfig>(file.path()).rollout.batch_size, RolloutOptions{}.batch_size);
  }
}

TEST(ReadConfig, OnePathIsAListOfOne) {
  const auto no_rules = [](const auto&) { return std::vector<Issue>{}; };
  const auto config = read_config<SftConfig>("", {"data.train=x.jsonl", "data.eval=y.jsonl"}, no_rules);
  EXPECT_EQ(config.data.train, (std::vector<WeightedPath>{{"x.jsonl"}}));
  EXPECT_EQ(config.data.eval, (std::vector<std::string>{"y.jsonl"}));
  const TempFile file("ppo.yaml", "data: {prompts: p.jsonl}\n");
  EXPECT_EQ(read_config<PpoConfig>(file.path(), {}, no_rules).data.prompts, (std::vector<std::string>{"p.jsonl"}));
}

}  // namespace
}  // namespace rlhf
