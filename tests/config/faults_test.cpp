// What a broken config gets: each case is a file or an override and the exact lines that answer it.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/read_config.h"
#include "rlhf/core/error.h"

#include "config/temp_file.h"

namespace rlhf {
namespace {

using Lines = std::vector<std::string>;

/// The faults without those of rules between keys, which validate_test.cpp looks at.
Lines faults(const std::filesystem::path& file, const Lines& overrides) {
  try {
    read_config<PpoConfig>(file, overrides, [](const PpoConfig&) { return std::vector<Issue>{}; });
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.exit_code(), ExitCode::usage);
    return e.issues();
  }
  return {};
}

struct FaultCase {
  std::string text;
  Lines expected;  ///< "FILE" stands for the path
};

void expect_faults(const std::string& name, const FaultCase& c) {
  const TempFile file(name, c.text);
  Lines found = faults(file.path(), {});
  for (std::string& line : found) {
    const std::size_t at = line.find(file.path().string());
    if (at != std::string::npos) line.replace(at, file.path().string().size(), "FILE");
  }
  EXPECT_EQ(found, c.expected) << c.text;
}

TEST(ConfigFault, NamesLineKeyValueAndWhatIsAllowed) {
  const FaultCase cases[] = {
      {"ppo:\n  kl_coef: -1\n", {"FILE:2: ppo.kl_coef: expected a number, at least 0, found -1"}},
      {"ppo: {kl_coef: high}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found high"}},
      {"ppo: {kl_coef: \"0.1\"}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found \"0.1\""}},
      {"ppo: {kl_coef: .inf}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found .inf"}},
      {"ppo: {kl_coef: nan}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found nan"}},
      {"ppo: {kl_coef: 1e999}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found 1e999"}},
      {"ppo: {kl_coef: }", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found nothing"}},
      {"ppo: {kl_coef: [1]}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found a list of 1"}},
      {"ppo: {gamma: 1.5}", {"FILE:1: ppo.gamma: expected a number, from 0 to 1, found 1.5"}},
      {"ppo: {num_ppo_epochs: 65}", {"FILE:1: ppo.num_ppo_epochs: expected a whole number, from 1 to 64, found 65"}},
      {"rollout: {top_p: 0}", {"FILE:1: rollout.top_p: expected a number, above 0, at most 1, found 0"}},
      {"rollout: {top_k: 1.5}", {"FILE:1: rollout.top_k: expected a whole number, at least 0, found 1.5"}},
      {"rollout: {top_k: 0x10}", {"FILE:1: rollout.top_k: expected a whole number, at least 0, found 0x10"}},
      {"rollout: {top_k: 99999999999999999999}",
       {"FILE:1: rollout.top_k: expected a whole number, at least 0, at most 2147483647, found "
        "99999999999999999999"}},
      {"log: {tensorboard: yes}", {"FILE:1: log.tensorboard: expected true or false, found yes"}},
      {"train: {device: gpu}", {"FILE:1: train.device: expected one of auto, cpu, cuda, cuda:N, found gpu"}},
      {"train: {device: 1}", {"FILE:1: train.device: expected one of auto, cpu, cuda, cuda:N, found 1"}},
      {"train: {device: cuda:-1}",
       {"FILE:1: train.device: expected one of auto, cpu, cuda, cuda:N, found cuda:-1; did you mean `cuda:N`?"}},
      {"train: {device: cudaa}",
       {"FILE:1: train.device: expected one of auto, cpu, cuda, cuda:N, found cudaa; did you mean `cuda`?"}},
      {"train: {output: [a]}", {"FILE:1: train.output: expected a text, found a list of 1"}},
      {"train: {threads: 0}", {"FILE:1: train.threads: expected a whole number, at least 1, found 0"}},
      {"data: {prompts: {a: b}}", {"FILE:1: data.prompts: expected a list of texts, found a map"}},
      {"data: {prompts: [a, {b: c}]}", {"FILE:1: data.prompts: expected a list of texts, found a map in the list"}},
      {"data: {fields: [a]}", {"FILE:1: data.fields: expected a map {name: text, …}, found a list of 1"}},
      {"optimizer: {betas: [0.9]}",
       {"FILE:1: optimizer.betas: expected a list of 2 numbers, at least 0, below 1, found a list of 1"}},
      {"optimizer:\n  betas:\n  - 0.9\n  - 1\n",
       {"FILE:4: optimizer.betas: expected a list of 2 numbers, at least 0, below 1, found 1 in the list"}},
      {"ppo: 3", {"FILE:1: ppo: expected a section {key: value, …}, found 3"}},
      {"[a, b]", {"FILE:1: the config: expected a section {key: value, …}, found a list of 2"}},
      {"train: {output: a, output: b}", {"FILE:1: train.output: given twice, first on line 1"}},
      {"ppo: {gamma: 1}\ntrain: {seed: 1}\nppo: {gamma: 1}\n", {"FILE:3: ppo: given twice, first on line 1"}},
      {"data: {fields: {prompt: a, prompt: b}}", {"FILE:1: data.fields.prompt: given twice, first on line 1"}},
      {"ppo: {kl_coef: \"a\\nb\"}", {"FILE:1: ppo.kl_coef: expected a number, at least 0, found \"a\\nb\""}},
  };
  for (const FaultCase& c : cases) expect_faults("case.yaml", c);
}

TEST(ConfigFault, SaysWhichKeyWasMeant) {
  const FaultCase cases[] = {
      {"ppo: {kl_ceof: 1}", {"FILE:1: ppo.kl_ceof: unknown key; did you mean `ppo.kl_coef`?"}},
      {"ppo: {lam: 1}", {"FILE:1: ppo.lam: unknown key; did you mean `ppo.gae_lambda`?"}},
      {"data: {seed: 1}", {"FILE:1: data.seed: unknown key; did you mean `train.seed`?"}},
      {"optimiser: {lr: 1}", {"FILE:1: optimiser: unknown key; did you mean `optimizer`?"}},
      {"ppo: {xyzzy: 1}", {"FILE:1: ppo.xyzzy: unknown key; hint: --help lists all of them"}},
      {"? \"a\\nb\"\n: 1\n", {"FILE:1: a\\nb: unknown key; hint: --help lists all of them"}},
  };
  for (const FaultCase& c : cases) expect_faults("case.yaml", c);
}

TEST(ConfigFault, TellsAllAtOnceInTheOrderOfTheFile) {
  expect_faults("case.yaml", {"ppo:\n  lam: 1\n  gamma: 2\ntrain:\n  seed: -1\n",
                              {"FILE:2: ppo.lam: unknown key; did you mean `ppo.gae_lambda`?",
                               "FILE:3: ppo.gamma: expected a number, from 0 to 1, found 2",
                               "FILE:5: train.seed: expected a whole number, at least 0, found -1"}});
}

TEST(ConfigFault, BrokenYamlIsToldByLine) {
  const FaultCase cases[] = {
      {"ppo:\n  gamma: &g 1\n",
       {"FILE:2: anchors are not supported, found `&g`; hint: write the value out, or quote it"}},
      {"ppo:\n  gamma: !!float 1\n",
       {"FILE:2: tags are not supported, found `tag:yaml.org,2002:float`; hint: quote the value"}},
      {"ppo: !mine {gamma: 1}\n", {"FILE:1: tags are not supported, found `!mine`; hint: quote the value"}},
      {"a: 1\n---\nb: 2\n", {"FILE:2: expected one document, found a second one"}},
      {"? [a]\n: 1\n", {"FILE:1: expected a key, found a list or a map; hint: quote it"}},
      {"~: 1\n", {"FILE:1: expected a key, found nothing"}},
      {"ppo: {gamma: \"caf\xE9\"}", {"FILE:1: expected UTF-8 text, found an invalid byte"}},
  };
  for (const FaultCase& c : cases) expect_faults("case.yaml", c);
}

TEST(ConfigFault, SyntaxErrorsHaveLineAndColumn) {
  for (const char* text : {"ppo:\n  gamma: [1\n", "ppo:\n gamma: 1\n  kl_coef: 2\n", "data: {prompts: [*.jsonl]}\n"}) {
    const TempFile file("case.yaml", text);
    const Lines found = faults(file.path(), {});
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_TRUE(found[0].starts_with(file.path().string() + ":")) << found[0];
    EXPECT_NE(found[0].find("invalid YAML at column "), std::string::npos) << found[0];
  }
}

TEST(ConfigFault, DepthAndSizeHaveLimits) {
  const std::string deep = std::string(33, '[') + std::string(33, ']');
  expect_faults("case.yaml", {"data: {fields: " + deep + "}", {"FILE:1: nested deeper than 32"}});
  expect_faults("case.json", {"{\"data\": " + deep + "}", {"FILE:1: nested deeper than 32"}});
  expect_faults("case.yaml",
                {std::string((1 << 20) + 1, '#'), {"reading FILE: expected at most 1048576 bytes, found 1048577"}});
}

TEST(ConfigFault, JsonIsReadStrictlyAndByLine) {
  expect_faults("case.json", {"{\n\"ppo\": {\n\"gamma\": 2,\n\"kl_coef\": -1}\n}",
                              {"FILE:3: ppo.gamma: expected a number, from 0 to 1, found 2",
                               "FILE:4: ppo.kl_coef: expected a number, at least 0, found -1"}});
  expect_faults("case.json",
                {"{\"train\": {\"seed\": 1, \"seed\": 2}}", {"FILE:1: train.seed: given twice, first on line 1"}});
  expect_faults("case.json", {"{\"train\": {\"seed\": \"1\"}}",
                              {"FILE:1: train.seed: expected a whole number, at least 0, found \"1\""}});
  const TempFile file("case.json", "{\n\"ppo\": {gamma: 1}}");
  const Lines found = faults(file.path(), {});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].starts_with(file.path().string() + ":2: invalid JSON: ")) << found[0];
}

TEST(ConfigFault, OfTheCommandLineSaysSo) {
  const std::pair<const char*, const char*> cases[] = {
      {"ppo.kl_coef=-1", "command line: ppo.kl_coef: expected a number, at least 0, found -1"},
      {"ppo.lam=0.9", "command line: ppo.lam: unknown key; did you mean `ppo.gae_lambda`?"},
      {"kl_coef=0.9", "command line: kl_coef: unknown key; did you mean `ppo.kl_coef`?"},
      {"ppo=3", "command line: ppo: expected a section {key: value, …}, found 3"},
      {"ppo.kl_coef.x=3", "command line: ppo.kl_coef: expected a number, at least 0, found a map"},
      {"optimizer.betas=[0.9",
       "command line: optimizer.betas: expected a list of 2 numbers, at least 0, below 1, found [0.9"},
      {"ppo.kl_coef", "command line: expected key=value, found `ppo.kl_coef`"},
      {"=1", "command line: expected key=value, found `=1`"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(faults("", {text}), Lines{expected});
}

TEST(ConfigFault, MissingFileIsOneOfTheConfig) {
  EXPECT_THROW(
      {
        try {
          read_config<PpoConfig>("/no/such.yaml");
        } catch (const Error& e) {
          EXPECT_EQ(e.exit_code(), ExitCode::usage);
          EXPECT_STREQ(e.what(), "reading /no/such.yaml: No such file or directory");
          throw;
        }
      },
      Error);
}

}  // namespace
}  // namespace rlhf
