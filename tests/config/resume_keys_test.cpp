// Which keys a resumed run may change: the whole list, written out by hand.
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/config/show_config.h"
#include "rlhf/config/validate.h"

namespace rlhf {
namespace {

using Keys = std::set<std::string>;

const Keys kSupervised = {
    "data.cache",           "train.output",       "train.recompute",         "train.micro_batch_tokens",
    "train.epochs",         "train.max_steps",    "train.threads",           "train.shard",
    "train.device",         "train.check_memory", "eval.every_steps",        "eval.max_samples",
    "eval.best_by",         "eval.patience",      "eval.min_delta",          "checkpoint.every_steps",
    "checkpoint.keep_last", "log.every_steps",    "log.samples_every_steps", "log.tensorboard"};
const Keys kPpo = {"model.offload",          "eval.every_steps",
                   "eval.max_samples",       "eval.best_by",
                   "eval.patience",          "eval.min_delta",
                   "train.output",           "train.recompute",
                   "train.total_episodes",   "train.micro_batch_tokens",
                   "train.threads",          "train.device",
                   "train.check_memory",     "train.shard",
                   "checkpoint.every_steps", "checkpoint.keep_last",
                   "log.every_steps",        "log.samples_every_steps",
                   "log.tensorboard"};

template <typename C>
Keys changeable() {
  C config;
  Keys keys;
  const Section bound = bind(config);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound))
    if (leaf.option->changes_on_resume) keys.insert(leaf.path);
  return keys;
}

/// What flat_values has and fixed_values has not.
template <typename C>
Keys left_out(const C& config) {
  Keys keys;
  for (const auto& [key, value] : flat_values(config)) keys.insert(key);
  for (const auto& [key, value] : fixed_values(config)) EXPECT_EQ(keys.erase(key), 1u) << key;
  return keys;
}

TEST(ChangesOnResume, AreTheKeysOfLengthOutputAndObservation) {
  EXPECT_EQ(changeable<SftConfig>(), kSupervised);
  EXPECT_EQ(changeable<RewardModelConfig>(), kSupervised);
  EXPECT_EQ(changeable<DpoConfig>(), kSupervised);
  EXPECT_EQ(changeable<PpoConfig>(), kPpo);
  EXPECT_EQ(changeable<GenerateConfig>(), Keys{});
}

TEST(FixedValues, LeaveOutWhatMayChange) {
  EXPECT_EQ(left_out(SftConfig{}), kSupervised);
  EXPECT_EQ(left_out(RewardModelConfig{}), kSupervised);
  EXPECT_EQ(left_out(DpoConfig{}), kSupervised);
  EXPECT_EQ(left_out(PpoConfig{}), kPpo);
  SftConfig config;
  config.model.init = ModelInit{};
  config.train.threads = 2;  // an optional value that is set
  EXPECT_EQ(left_out(config), kSupervised);
  EXPECT_EQ(fixed_values(config).at("model.init.hidden_size"), "64");
}

/// On one line, because --help breaks a meaning into columns.
std::string unbroken(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += word + " ";
  return line;
}

TEST(ChangesOnResume, IsShownByHelpAndSchema) {
  const std::string help = unbroken(keys_help<SftConfig>(KeyStyle::dotted));
  EXPECT_NE(help.find("checkpoint: checkpoints for --resume (may change on resume) checkpoint.every"),
            std::string::npos);
  EXPECT_NE(help.find("number of checkpoints to keep log: "), std::string::npos);
  EXPECT_NE(help.find("may be a fraction (may change on resume) train.max_steps"), std::string::npos);
  EXPECT_NE(help.find("seed of all random numbers of the run train.device"), std::string::npos);
  EXPECT_EQ(keys_help<GenerateConfig>(KeyStyle::flag).find("on resume"), std::string::npos);
  const std::string schema = json_schema<SftConfig>("rlhf-sft");
  EXPECT_NE(schema.find("\"number of checkpoints to keep (may change on resume)\""), std::string::npos) << schema;
  EXPECT_NE(schema.find("\"seed of all random numbers of the run\""), std::string::npos) << schema;
}

}  // namespace
}  // namespace rlhf
