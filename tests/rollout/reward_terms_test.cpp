// Rewards by rules, by programs, and their sums.
#include "rlhf/rollout/reward_terms.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "support/misuse.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::TemporaryFolder;

ResponseRecord said(const std::string& response, const std::string& record = "{}") {
  return {"What is 3+4?", response, record, Finish::stop};
}

std::vector<float> scores_of(RewardSource& source, const std::vector<ResponseRecord>& responses) {
  return source.score({Rollout{}, responses});
}

TEST(RewardCheck, AnswerIsThatOfTheRecord) {
  const auto check = reward_from_check({.name = "c", .check = RewardCheck::answer});
  const std::string gsm8k = R"({"answer": "3+4=7 apples\n#### 7"})";
  EXPECT_EQ(scores_of(*check, {said("3+4 is 7.", gsm8k), said("7, no, 8", gsm8k), said("nothing", gsm8k),
                               said("7", R"({"answer": 7})"), said("In Paris.", R"({"answer": "Paris"})"),
                               said("In Rome.", R"({"answer": "Paris"})")}),
            (std::vector<float>{1, 0, 0, 1, 1, 0}));
  const auto other = reward_from_check({.name = "c", .check = RewardCheck::answer, .field = "truth"});
  EXPECT_EQ(scores_of(*other, {said("8", R"({"answer": 7, "truth": " 8 "})")}), (std::vector<float>{1}));
}

TEST(RewardCheck, AnswerMustBeInTheRecord) {
  expect_misuse<DataError>(
      "the record of a prompt: answer: expected an answer, a text or a number, found no such field; it has \"a\"",
      [] { answer_of(R"({"a": 1})", "answer"); });
  expect_misuse<DataError>("expected an answer, a text or a number, found [1]",
                           [] { answer_of(R"({"answer": [1]})", "answer"); });
  expect_misuse<DataError>("expected an answer, a text or a number, found \"x #### \"",
                           [] { answer_of(R"({"answer": "x #### "})", "answer"); });
}

TEST(RewardCheck, RegexAndJson) {
  const auto number = reward_from_check({.name = "r", .check = RewardCheck::regex, .pattern = R"(####\s*-?\d+$)"});
  EXPECT_EQ(scores_of(*number, {said("so #### 12"), said("#### 12 apples"), said("")}), (std::vector<float>{1, 0, 0}));
  const auto json = reward_from_check({.name = "j", .check = RewardCheck::json});
  EXPECT_EQ(scores_of(*json, {said(R"( {"a": [1, 2]} )"), said("{'a': 1}"), said("{} x"), said("")}),
            (std::vector<float>{1, 0, 0, 0}));
  expect_misuse<ConfigError>(
      "reward.terms: r: pattern: expected an expression of PCRE2, found one that does not compile",
      [] { reward_from_check({.name = "r", .check = RewardCheck::regex, .pattern = "("}); });
  expect_misuse<ArgumentError>("check: expected answer, regex, json or overlong",
                               [] { reward_from_check({.name = "n"}); });
}

// DAPO, eq. 13, with L_max = 10 and L_cache = 4: 0 up to 6 tokens, −1 from 10 on.
TEST(RewardCheck, OverlongIsThePenaltyOfDapo) {
  const TokenIds prompt = {1};
  std::vector<const TokenIds*> prompts;
  std::vector<Generation> generations;
  for (const std::size_t length : {1, 6, 7, 8, 10, 12}) {
    prompts.push_back(&prompt);
    generations.push_back({TokenIds(length, 2), std::vector<float>(length, -1), Finish::stop});
  }
  const Rollout rollout = make_rollout(prompts, generations, at::kCPU);
  const std::vector<ResponseRecord> responses(6, said(""));
  RewardTerm term{.name = "o", .check = RewardCheck::overlong, .buffer_tokens = 4, .max_tokens = 10};
  EXPECT_EQ(reward_from_check(term)->score({rollout, responses}), (std::vector<float>{0, 0, -0.25, -0.5, -1, -1}));
  term.max_tokens = std::nullopt;
  expect_misuse<ArgumentError>("max_tokens: expected a number with check: overlong", [&] { reward_from_check(term); });
  term.max_tokens = 3;
  expect_misuse<ArgumentError>("buffer_tokens: expected from 1 to max_tokens, found 4",
                               [&] { reward_from_check(term); });
}

RewardTerm program(const std::string& script, std::int64_t workers = 1, double timeout = 60) {
  return {.name = "p", .command = {"sh", "-c", script}, .workers = workers, .timeout_seconds = timeout};
}

// The score is the number of the line, as an object for every other one: order, both forms, and the division among
// workers, each of which counts on its own.
TEST(RewardProgram, ScoresEachResponseInOrder) {
  const std::string counting =
      R"(i=0; while read -r line; do i=$((i+1)); if [ $((i%2)) = 0 ]; then echo "{\"score\": $i}"; else echo $i; fi; done)";
  const std::vector<ResponseRecord> responses(5, said("x"));
  const auto one = reward_from_program(program(counting));
  EXPECT_EQ(scores_of(*one, responses), (std::vector<float>{1, 2, 3, 4, 5}));
  EXPECT_EQ(scores_of(*one, {said("y")}), (std::vector<float>{6})) << "it keeps running";
  EXPECT_EQ(scores_of(*reward_from_program(program(counting, 2)), responses), (std::vector<float>{1, 2, 1, 2, 3}));
  EXPECT_EQ(scores_of(*reward_from_program(program(counting, 8)), {said("x")}), (std::vector<float>{1}));
}

TEST(RewardProgram, ReadsWhatTheDocsSay) {
  const TemporaryFolder folder;
  const std::string seen = (folder / "seen").string();
  const auto copy =
      reward_from_program(program("while read -r line; do printf '%s\\n' \"$line\" >>" + seen + "; echo 0; done"));
  scores_of(*copy, {said("It is\n\"7\" \xff.", R"({"answer":7})")});
  std::ifstream file(seen);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line,
            "{\"prompt\":\"What is 3+4?\",\"response\":\"It is\\n\\\"7\\\" \xEF\xBF\xBD.\",\"finish\":\"stop\","
            "\"record\":{\"answer\":7}}");
}

// The first process ends after one answer; the second one, which finds the file of the first, answers all.
TEST(RewardProgram, IsStartedAgainOnce) {
  const TemporaryFolder folder;
  const std::string mark = (folder / "mark").string();
  int warnings = 0;
  set_log_sink([&](LogLevel level, std::string_view line) {
    warnings += level == LogLevel::warning &&
                line.find(
                    "expected a line for each of 2 responses, found 1: it ended with exit code 5; it is started "
                    "again") != line.npos;
  });
  const auto source = reward_from_program(
      program("if [ -e " + mark + " ]; then sed -u s/.*/2/; else touch " + mark + "; read -r a; echo 1; exit 5; fi"));
  EXPECT_EQ(scores_of(*source, {said("x"), said("y")}), (std::vector<float>{2, 2}));
  set_log_sink({});
  EXPECT_EQ(warnings, 1);
}

TEST(RewardProgram, ThatFailsEndsTheRunAndNeverCountsAsZero) {
  const auto score = [](const RewardTerm& term) { return [=] { scores_of(*reward_from_program(term), {said("x")}); }; };
  const std::string prefix = "reward.terms: p: command: sh: ";
  expect_misuse<RewardError>(
      prefix + "expected a line for each of 1 responses, found 0: it ended with exit code 7, twice",
      score(program("exit 7")));
  expect_misuse<RewardError>("it gave no answer for 0.1 s, twice", score(program("sleep 100", 1, 0.1)));
  expect_misuse<RewardError>(prefix + "answer 1: expected a number, or {\"score\": number}, found \"good\"",
                             score(program("while read -r a; do echo good; done")));
  expect_misuse<RewardError>("answer 1: expected a number", score(program("while read -r a; do echo NaN; done")));
  expect_misuse<RewardError>("answer 1: expected a number", score(program("while read -r a; do echo '{}'; done")));
  RewardTerm missing = program("");
  missing.command = {"/no/such/program"};
  expect_misuse<RewardError>("/no/such/program: cannot be started: No such file or directory", score(missing));
}

TEST(RewardTerms, AreAddedWithTheirWeights) {
  const auto constant = [](float value) { return reward_from_function([=](const ResponseRecord&) { return value; }); };
  std::vector<WeightedReward> terms;
  terms.push_back({"model", 1, constant(2)});
  terms.push_back({"json", -0.5, reward_from_check({.name = "json", .check = RewardCheck::json})});
  const auto sum = reward_from_terms(std::move(terms));
  const std::vector<ResponseRecord> responses = {said("1"), said("x"), said("2"), said("3")};
  std::vector<TermMean> means;
  EXPECT_EQ(sum->score({.rollout = Rollout{}, .responses = responses, .terms = &means}),
            (std::vector<float>{1.5, 2, 1.5, 1.5}));
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means[0].name, "model");
  EXPECT_EQ(means[0].mean, 2);
  EXPECT_EQ(means[1].name, "json");
  EXPECT_EQ(means[1].mean, 0.75) << "before its weight";
  expect_misuse<ArgumentError>("terms: expected at least one", [] { reward_from_terms({}); });
}

}  // namespace
}  // namespace rlhf
