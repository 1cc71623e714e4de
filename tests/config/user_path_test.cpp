// Paths with a home folder or variables in configs.
#include "rlhf/config/user_path.h"

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/read_config.h"
#include "rlhf/core/error.h"

#include "config/temp_file.h"

namespace rlhf {
namespace {

// As a POSIX shell expands a tilde (XCU 2.6.1).
class UserPaths : public ::testing::Test {
 protected:
  UserPaths() { setenv("HOME", "/home/ada", 1); }
  ~UserPaths() override {
    if (home_.empty())
      unsetenv("HOME");
    else
      setenv("HOME", home_.c_str(), 1);
  }

 private:
  const std::string home_ = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
};

TEST_F(UserPaths, BeginWithTheHomeFolder) {
  EXPECT_EQ(expand_path("~/runs/x").path, "/home/ada/runs/x");
  EXPECT_EQ(expand_path("~").path, "/home/ada");
  EXPECT_EQ(expand_path("/a/~/b").path, "/a/~/b");
  EXPECT_EQ(expand_path("a~").path, "a~");
  EXPECT_EQ(expand_path("").path, "");
  EXPECT_EQ(expand_path("prices $5/a").path, "prices $5/a") << "no variable";
  EXPECT_EQ(expand_path("~ada/x").fault, "expected a path, ~ or ~/…, found ~ada/x; hint: write the whole path");
  unsetenv("HOME");
  EXPECT_EQ(expand_path("~/x").fault, "expected the variable HOME for ~, found ~/x");
}

TEST_F(UserPaths, WithVariablesAreRefusedUnlessAFileHasThisName) {
  for (const char* text : {"$DATA/x", "runs/${USER}/x", "a/$_b"}) {
    const std::string fault = expand_path(text).fault;
    EXPECT_TRUE(fault.starts_with("expected a path without variables, found " + std::string(text) + "; hint: "))
        << fault;
  }
  const TempFile file("$name.yaml", "");
  EXPECT_EQ(expand_path(file.path().string()).path, file.path().string());
}

TEST_F(UserPaths, AreReadInEveryOptionThatIsAPath) {
  const TempFile file("paths.yaml",
                      "model: {path: ~/m, tokenizer: ~/t}\n"
                      "data: {train: [~/a.jsonl, {path: ~/b.jsonl}], eval: [~/c.jsonl], chat_template: ~/d.jinja,\n"
                      "       cache: ~/e, template: '~/{prompt}'}\ntrain: {output: ~/f}\n");
  const auto config = read_config<SftConfig>(file.path(), {"data.eval=[~/g.jsonl, h.jsonl]"},
                                             [](const SftConfig&) { return std::vector<Issue>{}; });
  EXPECT_EQ(config.model.path, "/home/ada/m");
  EXPECT_EQ(config.model.tokenizer, "/home/ada/t");
  EXPECT_EQ(config.data.train[0].path, "/home/ada/a.jsonl");
  EXPECT_EQ(config.data.train[1].path, "/home/ada/b.jsonl");
  EXPECT_EQ(config.data.eval, (std::vector<std::string>{"/home/ada/g.jsonl", "h.jsonl"}));
  EXPECT_EQ(config.data.chat_template, "/home/ada/d.jinja");
  EXPECT_EQ(config.data.cache, "/home/ada/e");
  EXPECT_EQ(config.data.template_, "~/{prompt}") << "not a path";
  EXPECT_EQ(config.train.output, "/home/ada/f");
}

TEST_F(UserPaths, AreRefusedWithTheirLine) {
  const TempFile file("variable.yaml", "model: {path: m}\ndata:\n  train:\n    - $DATA/a.jsonl\ntrain: {output: r}\n");
  try {
    read_config<SftConfig>(file.path(), {});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    ASSERT_EQ(error.issues().size(), 1u);
    EXPECT_TRUE(error.issues()[0].starts_with(file.path().string() + ":4: data.train[0]: expected a path without "))
        << error.issues()[0];
  }
}

/// The keys of a config that are paths.
template <typename Config>
std::set<std::string> path_keys() {
  Config config;
  const Section section = bind(config);
  std::set<std::string> keys;
  for (const Leaf& leaf : leaves(section))
    if (leaf.option->is_path) keys.insert(leaf.path);
  return keys;
}

TEST(PathOptions, AreAllMarked) {
  const std::set<std::string> data = {"data.cache", "data.chat_template", "data.eval",   "data.train[].path",
                                      "model.path", "model.tokenizer",    "train.output"};
  EXPECT_EQ(path_keys<SftConfig>(), data);
  EXPECT_EQ(path_keys<RewardModelConfig>(), data);
  auto with_reference = data;
  with_reference.insert("dpo.reference");
  EXPECT_EQ(path_keys<DpoConfig>(), with_reference);
  EXPECT_EQ(path_keys<PpoConfig>(),
            (std::set<std::string>{"data.chat_template", "data.eval", "data.prompts", "data.ptx", "model.eval_reward",
                                   "model.policy", "model.reference", "model.reward", "model.reward_ensemble",
                                   "model.value", "train.output"}));
  EXPECT_EQ(path_keys<GenerateConfig>(),
            (std::set<std::string>{"chat_template", "input", "model", "output", "reward"}));
}

}  // namespace
}  // namespace rlhf
