#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/data/samples.h"

namespace rlhf {
namespace {

/// Every prompt twice, with different answers.
std::vector<Demonstration> twice(int prompts) {
  std::vector<Demonstration> records;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < prompts; ++i) records.push_back({"p" + std::to_string(i), std::to_string(round), false});
  }
  return records;
}

template <typename Record>
HeldOut held_out(const std::vector<Record>& records, double share, std::uint64_t seed) {
  std::unordered_map<std::uint64_t, std::int64_t> counts;
  for (const Record& record : records) ++counts[split_key(record)];
  return choose_held_out(counts, share, seed);
}

template <typename Record>
std::pair<std::vector<Record>, std::vector<Record>> split_by_prompt(const std::vector<Record>& records, double share,
                                                                    std::uint64_t seed) {
  const HeldOut held = held_out(records, share, seed);
  std::vector<Record> train, eval;
  for (const Record& record : records) (held.keys.contains(split_key(record)) ? eval : train).push_back(record);
  return {train, eval};
}

std::set<std::string> prompts_of(const std::vector<Demonstration>& records) {
  std::set<std::string> prompts;
  for (const auto& record : records) prompts.insert(record.prompt);
  return prompts;
}

TEST(SplitByPrompt, EqualPromptsLandOnTheSameSide) {
  const auto [train, eval] = split_by_prompt(twice(500), 0.3, 1);
  EXPECT_EQ(train.size() + eval.size(), 1000u);
  for (const std::string& prompt : prompts_of(eval)) EXPECT_FALSE(prompts_of(train).contains(prompt));
}

TEST(SplitByPrompt, FoldsAreDisjointAndHoldEveryPromptOnce) {
  std::unordered_map<std::uint64_t, std::int64_t> counts;
  for (const Demonstration& record : twice(100)) ++counts[split_key(record)];
  std::set<std::uint64_t> all;
  for (std::int64_t fold = 0; fold < 5; ++fold) {
    const HeldOut held = choose_held_out(counts, 0.2, 7, fold);
    EXPECT_EQ(held.held, 40) << fold;
    all.insert(held.keys.begin(), held.keys.end());
  }
  EXPECT_EQ(all.size(), 100U);
  EXPECT_EQ(choose_held_out(counts, 0.2, 7, 0).keys, choose_held_out(counts, 0.2, 7).keys);
}

TEST(SplitByPrompt, ShareIsMetExactlyWherePromptsAllowIt) {
  EXPECT_EQ(split_by_prompt(twice(5000), 0.2, 1).second.size(), 2000u);
  const HeldOut few = held_out(twice(10), 0.2, 1);
  EXPECT_EQ(few.held, 4);
  EXPECT_EQ(few.records, 20);
  EXPECT_EQ(few.prompts, 10);
}

TEST(SplitByPrompt, OnePromptAtLeastIsHeldOutAndOneIsNot) {
  EXPECT_EQ(held_out(twice(3), 0.01, 1).keys.size(), 1u);
  EXPECT_EQ(held_out(twice(3), 0.9, 1).keys.size(), 2u);
  EXPECT_TRUE(held_out(twice(1), 0.5, 1).keys.empty()) << "a single prompt is not split";
}

// One prompt has 90 of 100 records, ten prompts have one each: a share of 0.1 is these ten.
TEST(SplitByPrompt, APromptThatIsTooFrequentStaysInTraining) {
  std::vector<Demonstration> records;
  for (int i = 0; i < 90; ++i) records.push_back({"frequent", std::to_string(i)});
  for (int i = 0; i < 10; ++i) records.push_back({"p" + std::to_string(i), "a"});
  for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(held_out(records, 0.1, seed).held, 10) << seed;
}

TEST(SplitByPrompt, DependsOnTheSeedAndNotOnTheOrder) {
  auto records = twice(200);
  const auto eval = prompts_of(split_by_prompt(records, 0.3, 1).second);
  std::reverse(records.begin(), records.end());
  EXPECT_EQ(prompts_of(split_by_prompt(records, 0.3, 1).second), eval);
  EXPECT_NE(prompts_of(split_by_prompt(records, 0.3, 2).second), eval);
}

TEST(SplitByPrompt, TextsAreSplitByThemselves) {
  std::vector<Demonstration> records;
  for (int i = 0; i < 1000; ++i) records.push_back({"", "text " + std::to_string(i), true});
  const auto [train, eval] = split_by_prompt(records, 0.5, 1);
  EXPECT_EQ(train.size(), 500u);
  EXPECT_EQ(eval.size(), 500u);
}

TEST(SplitByPrompt, PreferencesFollowTheSameRule) {
  std::vector<Preference> pairs;
  for (const auto& record : twice(100)) pairs.push_back({record.prompt, {{"good"}, {"bad" + record.completion}}, {{}}});
  std::set<std::string> eval;
  for (const auto& pair : split_by_prompt(pairs, 0.3, 1).second) eval.insert(pair.prompt);
  EXPECT_EQ(eval, prompts_of(split_by_prompt(twice(100), 0.3, 1).second));
}

TEST(SplitByPrompt, AConversationsPromptIsWhatStandsBeforeTheFirstAnswer) {
  const auto chat = [](int question, const std::string& answer) {
    Demonstration record;
    record.chat.messages = {{{"role", "user"}, {"content", "q" + std::to_string(question)}},
                            {{"role", "assistant"}, {"content", answer}}};
    return record;
  };
  EXPECT_EQ(split_key(chat(1, "a")), split_key(chat(1, "another answer")));
  EXPECT_NE(split_key(chat(1, "a")), split_key(chat(2, "a")));
}

TEST(SplitByPrompt, ShareOfZeroHoldsNothingOut) { EXPECT_TRUE(split_by_prompt(twice(50), 0.0, 1).second.empty()); }

}  // namespace
}  // namespace rlhf
