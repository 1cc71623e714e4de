#include "rlhf/config/show_config.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/read_config.h"

#include "config/temp_file.h"

namespace rlhf {
namespace {

using nlohmann::json;

template <typename C>
C read_back(const std::string& yaml) {
  const TempFile file("effective.yaml", yaml);
  return read_config<C>(file.path(), {}, [](const C&) { return std::vector<Issue>{}; });
}

TEST(ToYaml, WritesWhatWasSaid) {
  SftConfig config;
  config.model.init = ModelInit{};
  config.data.train = {{"a.jsonl"}, {"b c"}};
  config.data.fields = {{"prompt", "question"}};
  config.train.output = "runs/sft";
  config.train.threads = 2;
  const std::string yaml = to_yaml(config);
  for (const char* expected :
       {"model:\n  path: \"\"\n  init:\n    hidden_size: 64\n", "  train: [a.jsonl, \"b c\"]\n", "  eval: []\n",
        "  fields: {prompt: question}\n", "  output: runs/sft\n", "  threads: 2\n", "  max_steps: null\n",
        "  lr: 2e-05\n", "  betas: [0.9, 0.95]\n", "  kind: cosine\n", "  device: auto\n", "  tensorboard: true\n"}) {
    EXPECT_NE(yaml.find(expected), std::string::npos) << expected << "\nin\n" << yaml;
  }
}

TEST(ToYaml, ReadsBackToTheSameConfig) {
  PpoConfig config;
  config.model.policy = "runs/sft/final";
  config.data.prompts = {"null", "true", "-1", "", "*x", "é\n\t\"\\\x01", "a: b # c"};
  config.data.fields = {{"prompt", "the question"}, {"no", "~"}};
  config.data.template_ = "Q: {prompt}\nA: {completion}";
  config.ppo.kl_coef = 0.1 + 0.2;  // 0.30000000000000004 needs 17 digits
  config.ppo.kl_horizon = 1e300;
  config.optimizer.eps = 5e-324;
  config.train.seed = 9007199254740993;  // more than a double holds
  config.train.micro_batch_tokens = 4096;
  config.ppo.kl_controller = KlControllerKind::adaptive;
  config.train.device = {DeviceChoice::Kind::cuda, 1};
  const std::string yaml = to_yaml(config);
  const auto copy = read_back<PpoConfig>(yaml);
  EXPECT_EQ(copy.data.prompts, config.data.prompts);
  EXPECT_EQ(copy.data.fields, config.data.fields);
  EXPECT_EQ(copy.data.template_, config.data.template_);
  EXPECT_EQ(copy.ppo.kl_coef, config.ppo.kl_coef);
  EXPECT_EQ(copy.ppo.kl_horizon, config.ppo.kl_horizon);
  EXPECT_EQ(copy.optimizer.eps, config.optimizer.eps);
  EXPECT_EQ(copy.train.seed, config.train.seed);
  EXPECT_EQ(copy.train.micro_batch_tokens, config.train.micro_batch_tokens);
  EXPECT_EQ(copy.ppo.kl_controller, config.ppo.kl_controller);
  EXPECT_EQ(copy.train.device, config.train.device);
  EXPECT_EQ(to_yaml(copy), yaml);
}

TEST(NumberOrAuto, IsReadWrittenAndShown) {
  PpoConfig config;
  for (const std::string value : {"auto", "0", "0.5"}) {
    config = read_back<PpoConfig>("reward: {agreement_penalty: " + value + "}\n");
    EXPECT_NE(to_yaml(config).find("  agreement_penalty: " + value + "\n"), std::string::npos) << to_yaml(config);
  }
  EXPECT_EQ(config.reward.agreement_penalty, NumberOrAuto{0.5});
  EXPECT_EQ(read_back<PpoConfig>("reward: {agreement_penalty: auto}\n").reward.agreement_penalty,
            NumberOrAuto{std::nullopt});
  const json schema = json::parse(json_schema<PpoConfig>("rlhf-ppo"));
  const json& penalty = schema["properties"]["reward"]["properties"]["agreement_penalty"];
  EXPECT_EQ(penalty["anyOf"], json::parse(R"([{"const": "auto"}, {"type": "number", "minimum": 0}])"));
  EXPECT_EQ(penalty["default"], 0);
  const std::string help = keys_help<PpoConfig>(KeyStyle::dotted);
  const std::string line = help.substr(help.find("reward.agreement_penalty "));
  EXPECT_NE(line.substr(0, line.find('\n')).find(" 0            auto|at least 0 "), std::string::npos) << line;
}

TEST(ToYaml, WritesWeightsOnlyWhereThereAreSome) {
  SftConfig config;
  config.data.train = {{"a.jsonl"}, {"b c", 0.25}};
  const std::string yaml = to_yaml(config);
  EXPECT_NE(yaml.find("  train: [a.jsonl, {path: \"b c\", weight: 0.25}]\n"), std::string::npos) << yaml;
  EXPECT_EQ(read_back<SftConfig>(yaml).data.train, config.data.train);
}

TEST(ToYaml, RoundTripsTheDefaultsOfEveryTool) {
  EXPECT_EQ(to_yaml(read_back<SftConfig>(to_yaml(SftConfig{}))), to_yaml(SftConfig{}));
  EXPECT_EQ(to_yaml(read_back<RewardModelConfig>(to_yaml(RewardModelConfig{}))), to_yaml(RewardModelConfig{}));
  EXPECT_EQ(to_yaml(read_back<PpoConfig>(to_yaml(PpoConfig{}))), to_yaml(PpoConfig{}));
  EXPECT_EQ(to_yaml(read_back<DpoConfig>(to_yaml(DpoConfig{}))), to_yaml(DpoConfig{}));
  EXPECT_EQ(to_yaml(read_back<GenerateConfig>(to_yaml(GenerateConfig{}))), to_yaml(GenerateConfig{}));
}

TEST(JsonSchema, SaysTypeDefaultRangeAndMeaning) {
  const json schema = json::parse(json_schema<PpoConfig>("rlhf-ppo"));
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["title"], "rlhf-ppo");
  EXPECT_EQ(schema["additionalProperties"], false);
  const json& properties = schema["properties"];
  EXPECT_EQ(
      properties["rollout"]["properties"]["top_p"],
      json::parse(
          R"json({"description": "nucleus sampling: keep the most likely tokens up to this probability (1: all)", "type": "number",
                            "default": 1.0, "exclusiveMinimum": 0, "maximum": 1})json"));
  EXPECT_EQ(properties["ppo"]["properties"]["num_ppo_epochs"]["type"], "integer");
  EXPECT_EQ(properties["ppo"]["properties"]["num_ppo_epochs"]["maximum"], 64);
  EXPECT_EQ(properties["ppo"]["properties"]["kl_controller"]["enum"], json::parse(R"(["fixed", "adaptive"])"));
  EXPECT_EQ(properties["ppo"]["properties"]["kl_controller"]["default"], "fixed");
  const json& device = properties["train"]["properties"]["device"];
  EXPECT_EQ(
      device["anyOf"],
      json::parse(
          R"json([{"enum": ["auto", "cpu", "cuda"]}, {"type": "string", "pattern": "^cuda:(0|[1-9][0-9]*)$"}])json"));
  EXPECT_EQ(device["default"], "auto");
  const json& betas = properties["optimizer"]["properties"]["betas"];
  EXPECT_EQ(betas["items"], json::parse(R"({"type": "number", "minimum": 0, "exclusiveMaximum": 1})"));
  EXPECT_EQ(betas["minItems"], 2);
  EXPECT_EQ(betas["maxItems"], 2);
  const json& threads = properties["train"]["properties"]["threads"];
  EXPECT_EQ(threads["anyOf"],
            json::parse(R"([{"type": "null"}, {"type": "integer", "minimum": 1, "maximum": 2147483647}])"));
  EXPECT_EQ(threads["default"], nullptr);
}

/// Every object of the schema that lists properties forbids others, and every property has a description.
void expect_closed(const json& schema) {
  if (schema.contains("anyOf")) {
    for (const json& part : schema["anyOf"]) expect_closed(part);
  }
  if (!schema.contains("properties")) return;
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const auto& [key, property] : schema["properties"].items()) {
    EXPECT_FALSE(property.value("description", "").empty()) << key;
    EXPECT_TRUE(property.contains("type") || property.contains("enum") || property.contains("anyOf")) << key;
    expect_closed(property);
  }
}

TEST(JsonSchema, AllowsNoKeyThatIsNotDescribed) {
  expect_closed(json::parse(json_schema<SftConfig>("rlhf-sft")));
  expect_closed(json::parse(json_schema<RewardModelConfig>("rlhf-rm")));
  expect_closed(json::parse(json_schema<DpoConfig>("rlhf-dpo")));
  expect_closed(json::parse(json_schema<PpoConfig>("rlhf-ppo")));
  expect_closed(json::parse(json_schema<GenerateConfig>("rlhf-generate")));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Help, HasEveryKeyWithDefaultRangeAndMeaning) {
  RewardModelConfig defaults;
  const std::vector<std::string> lines = lines_of(keys_help<RewardModelConfig>(KeyStyle::dotted));
  const Section bound = bind(defaults);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound)) {
    const auto starts = [&](const std::string& line) { return line.starts_with("  " + leaf.path + " "); };
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(), starts), 1) << leaf.path;
  }
  const auto line_of = [&](const std::string& key) {
    return *std::find_if(lines.begin(), lines.end(),
                         [&](const auto& line) { return line.find(key) != std::string::npos; });
  };
  for (const char* part : {" 0.03 ", " from 0 to 1 ", " share of the steps"}) {
    EXPECT_NE(line_of("lr_schedule.warmup_share").find(part), std::string::npos) << part;
  }
  for (const char* part : {" drop ", " drop|truncate|split|error "}) {
    EXPECT_NE(line_of("data.over_length").find(part), std::string::npos) << part;
  }
}

TEST(Help, FitsIntoItsColumns) {
  for (const std::string& line : lines_of(keys_help<PpoConfig>(KeyStyle::dotted))) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(columns, 120) << line;
  }
}

TEST(Help, CanNameKeysAsFlags) {
  EXPECT_EQ(flag_name("max_new_tokens"), "--max-new-tokens");
  EXPECT_NE(keys_help<GenerateConfig>(KeyStyle::flag).find("\n  --max-new-tokens  128 "), std::string::npos);
}

}  // namespace
}  // namespace rlhf
