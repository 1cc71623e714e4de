#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
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
std::pair<std::vector<Record>, std::vector<Record>> split_by_prompt(const std::vector<Record>& records, double share,
                                                                    std::uint64_t seed) {
  std::vector<Record> train, eval;
  for (const Record& record : records) (held_out(record, share, seed) ? eval : train).push_back(record);
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

TEST(SplitByPrompt, ShareIsMetWithinFourStandardDeviations) {
  const auto [train, eval] = split_by_prompt(twice(5000), 0.2, 1);
  const double prompts = static_cast<double>(eval.size()) / 2;  // binomial, n = 5000, p = 0.2
  EXPECT_NEAR(prompts, 1000, 4 * std::sqrt(5000 * 0.2 * 0.8));
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
  EXPECT_GT(train.size(), 400u);
  EXPECT_GT(eval.size(), 400u);
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
  int held = 0;
  for (int i = 0; i < 200; ++i) {
    const bool first = held_out(chat(i, "a"), 0.5, 1);
    EXPECT_EQ(held_out(chat(i, "another answer"), 0.5, 1), first) << i;
    held += first ? 1 : 0;
  }
  EXPECT_GT(held, 60);  // 200 questions, half of them: 100, standard deviation 7
  EXPECT_LT(held, 140);
}

TEST(SplitByPrompt, ShareOfZeroHoldsNothingOut) { EXPECT_TRUE(split_by_prompt(twice(50), 0.0, 1).second.empty()); }

}  // namespace
}  // namespace rlhf
