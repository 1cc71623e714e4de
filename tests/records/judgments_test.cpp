// Records of judgments: what is read, what is written, and the majority.
#include "rlhf/records/judgments.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/shared_data.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using testing::TemporaryFolder;
using Places = std::vector<std::int32_t>;

std::vector<JudgedRecord> judged(const std::string& bytes, const RecordReading& reading = {}) {
  const TemporaryFolder folder;
  std::vector<JudgedRecord> records;
  for_each_judged({folder.write("a.jsonl", bytes)}, reading,
                  [&](JudgedRecord record, const RecordPlace&) { records.push_back(std::move(record)); });
  return records;
}

/// A record of three responses with these judgments.
JudgedRecord judged_by(const std::string& judgments, const std::string& responses = R"(["a","b","c"])") {
  return judged(R"({"prompt":"p","responses":)" + responses + R"(,"judgments":)" + judgments + "}\n").at(0);
}

const std::string kFull =
    R"({"id":"p17","prompt":"Why?","responses":[{"id":"r1","text":"A","source":"policy@400","tokens":9},)"
    R"({"id":"r2","text":"B"}],"domain":"code/review","judgments":[)"
    R"({"annotator":"k03","role":"expert","choice":"r1","scale":5,"strength":2,"order":["r2","r1"],"seconds":41.25,)"
    R"("tags":["root_cause","short"],"note":"B only hides it","guideline":"sha256:1f","at":"2026-01-02"},)"
    R"({"annotator":"k04","role":"crowd","tie":true},{"annotator":"k05","role":"crowd","both_bad":true,"scale":7},)"
    R"({"annotator":"m","role":"ai","ranks":[2.0,1.0]}],"gold":"r1","label":{"chosen":"r1","probability":0.93,)"
    R"("weight":1.5,"margin":2.0,"method":"em","history":[{"chosen":"r2","method":"majority"}],"by":"x"},"round":2})";

TEST(Judgments, EveryFieldIsReadAndKeptInItsPlace) {
  const JudgedRecord record = judged(kFull + "\n").at(0);
  EXPECT_EQ(record.id, "p17");
  EXPECT_EQ(record.prompt, "Why?");
  EXPECT_EQ(record.domain, "code/review");
  EXPECT_EQ(record.extra.dump(), R"({"round":2})");
  ASSERT_EQ(record.responses.size(), 2u);
  EXPECT_EQ(record.responses[0].source, "policy@400");
  EXPECT_EQ(record.responses[0].extra.dump(), R"({"tokens":9})");
  EXPECT_EQ(record.responses[1].answer.text, "B");
  ASSERT_EQ(record.judgments.size(), 4u);
  const Judgment& first = record.judgments[0];
  EXPECT_EQ(first.annotator, "k03");
  EXPECT_EQ(first.role, AnnotatorRole::expert);
  EXPECT_EQ(first.verdict, (Verdict{.choice = 0}));
  EXPECT_EQ(first.scale, 5);
  EXPECT_EQ(first.strength, 2);
  EXPECT_EQ(first.order, (Places{1, 0}));
  EXPECT_EQ(first.seconds, 41.25);
  EXPECT_EQ(first.tags, (std::vector<std::string>{"root_cause", "short"}));
  EXPECT_EQ(first.note, "B only hides it");
  EXPECT_EQ(first.guideline, "sha256:1f");
  EXPECT_EQ(first.extra.dump(), R"({"at":"2026-01-02"})");
  EXPECT_EQ(record.judgments[1].verdict.kind, Verdict::Kind::tie);
  EXPECT_EQ(record.judgments[2].verdict.kind, Verdict::Kind::both_bad);
  EXPECT_EQ(record.judgments[3].verdict.ranks, (std::vector<double>{2, 1}));
  EXPECT_EQ(record.gold, (Verdict{.choice = 0}));
  ASSERT_TRUE(record.label);
  EXPECT_EQ(record.label->probability, 0.93);
  EXPECT_EQ(record.label->weight, 1.5);
  EXPECT_EQ(record.label->margin, 2.0);
  EXPECT_EQ(record.label->history.at(0).chosen, 1);
  EXPECT_EQ(record.label->extra.dump(), R"({"by":"x"})");
}

TEST(Judgments, AreWrittenAsTheyWereRead) {
  EXPECT_EQ(to_json(judged(kFull + "\n").at(0)).dump(), kFull);
  const std::string messages =
      R"({"id":7,"prompt":[{"role":"user","content":"q"}],"responses":["a",{"messages":[)"
      R"({"role":"assistant","content":"b"},{"role":"user","content":"r"},{"role":"assistant","content":"c"}]}],)"
      R"("judgments":[{"annotator":"k","role":"crowd","choice":1}],"gold":"tie","tools":[{"name":"t"}],)"
      R"("chat_template_kwargs":{"x":1}})";
  const JudgedRecord record = judged(messages + "\n").at(0);
  EXPECT_EQ(record.responses[0].answer.turns.dump(), R"([{"role":"assistant","content":"a"}])");
  EXPECT_EQ(record.responses[1].answer.turns.size(), 3u);
  EXPECT_EQ(to_json(record).dump(), messages);
}

TEST(Judgments, AnEmptyPromptMeansThatTheResponsesAreWhole) {
  EXPECT_TRUE(judged(R"({"prompt":"","responses":["a","b"],"judgments":[{"annotator":"k","choice":0}]})").at(0).whole);
  const std::string conversations =
      R"({"prompt":[],"responses":[{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]},)"
      R"({"messages":[{"role":"user","content":"r"},{"role":"assistant","content":"b"}]}],)"
      R"("judgments":[{"annotator":"k","role":"crowd","choice":0}]})";
  EXPECT_TRUE(judged(conversations).at(0).whole);
  EXPECT_EQ(to_json(judged(conversations).at(0)).dump(), conversations);
}

TEST(Judgments, ScalesOfTwoAndThreeStepsHaveOneStrength) {
  for (const char* scale : {"2", "3"})
    EXPECT_EQ(judged_by(R"([{"annotator":"k","choice":0,"scale":)" + std::string(scale) + "}]").judgments[0].strength,
              1);
  EXPECT_EQ(judged_by(R"([{"annotator":"k","choice":0}])").judgments[0].strength, 0) << "not known";
  EXPECT_EQ(judged_by(R"([{"annotator":"k","choice":0,"scale":7,"strength":3}])").judgments[0].strength, 3);
  EXPECT_EQ(judged_by(R"([{"annotator":"k","tie":true,"scale":7,"strength":0}])").judgments[0].strength, 0);
}

TEST(Judgments, PlacesAreDense) {
  EXPECT_EQ((Verdict{.choice = 2}.places(3)), (Places{1, 1, 0}));
  EXPECT_EQ((Verdict{.kind = Verdict::Kind::tie}.places(2)), (Places{0, 0}));
  EXPECT_EQ((Verdict{.kind = Verdict::Kind::ranks, .ranks = {7, -1, 7, 2.5}}.places(4)), (Places{2, 0, 2, 1}));
}

std::vector<std::pair<int, int>> majority(const std::string& judgments, const std::string& responses = R"(["a","b"])") {
  std::vector<std::pair<int, int>> pairs;
  for (const RankedPair& pair : majority_pairs(judged_by(judgments, responses)))
    pairs.emplace_back(pair.chosen, pair.rejected);
  return pairs;
}

std::string votes(const std::string& choices) {
  std::string list;
  for (const char choice : choices)
    list += std::string(list.empty() ? "" : ",") + R"({"annotator":"k",)" +
            (choice == '='   ? R"("tie":true)"
             : choice == 'x' ? R"("both_bad":true)"
                             : "\"choice\":" + std::string(1, choice)) +
            "}";
  return "[" + list + "]";
}

TEST(Majority, OfAPairIsTheChoiceOfMostVotesThatAreNoTies) {
  using Pairs = std::vector<std::pair<int, int>>;
  EXPECT_EQ(majority(votes("110")), (Pairs{{1, 0}}));
  EXPECT_EQ(majority(votes("0====")), (Pairs{{0, 1}})) << "ties are no votes";
  EXPECT_EQ(majority(votes("01")), (Pairs{}));
  EXPECT_EQ(majority(votes("01=x")), (Pairs{}));
  EXPECT_EQ(majority(votes("=")), (Pairs{}));
}

// The example of Borda counts by hand: a is preferred to 1 + 1 + 0 responses more than are preferred to it, and so on.
TEST(Majority, OfARankingIsTheOrderOfBordaCounts) {
  const std::string judgments =
      R"([{"annotator":"k","ranks":[1,2,3]},{"annotator":"l","ranks":[2,1,3]},{"annotator":"m","choice":0}])";
  // a: 2 + 0 + 2 = 4; b: 0 + 2 - 1 = 1; c: -2 - 2 - 1 = -5
  EXPECT_EQ(majority(judgments, R"(["a","b","c"])"), (std::vector<std::pair<int, int>>{{0, 1}, {0, 2}, {1, 2}}));
  // Every one beats another one twice: a cycle gives no pair.
  EXPECT_TRUE(majority(R"([{"annotator":"k","ranks":[1,2,3]},{"annotator":"l","ranks":[2,3,1]},)"
                       R"({"annotator":"m","ranks":[3,1,2]}])",
                       R"(["a","b","c"])")
                  .empty());
}

TEST(Majority, SharesCountTiesHalf) {
  const JudgedRecord record = judged_by(votes("1=x0"), R"(["a","b"])");
  EXPECT_EQ(vote_share(record, {.chosen = 1, .rejected = 0}), 0.5);
  EXPECT_EQ(vote_share(judged_by(votes("110="), R"(["a","b"])"), {.chosen = 1, .rejected = 0}), 2.5 / 4);
}

TEST(Majority, IsWhatTheOtherToolsRead) {
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "a.jsonl", R"({"prompt":"p","responses":["a","b"],"judgments":)" + votes("110") + "}\n" +
                     R"({"prompt":"q","responses":["a","b"],"judgments":)" + votes("10") + "}\n" +
                     R"({"prompt":"r","responses":["a","b","c"],"judgments":)" + votes("2") + ",\"seen\":1}\n");
  const auto pairs = read_preferences({file}, {});
  EXPECT_EQ(pairs.counts.kind(), "judgments records");
  EXPECT_EQ(pairs.counts.tied, 1);
  EXPECT_EQ(pairs.counts.notes().at(1), "1 records of judgments left out: they give no label");
  EXPECT_EQ(pairs.counts.unread.at("seen"), 1);
  ASSERT_EQ(pairs.records.size(), 2u);
  EXPECT_EQ(pairs.records[0].prompt, "p");
  EXPECT_EQ(pairs.records[0].answers[1].text, "b");
  EXPECT_EQ(pairs.records[0].pairs.at(0).chosen, 1);
  EXPECT_EQ(pairs.records[1].pairs.size(), 2u);
  const auto demonstrations = read_demonstrations({file}, {});
  ASSERT_EQ(demonstrations.records.size(), 2u);
  EXPECT_EQ(demonstrations.records[1].completion, "c");
  const auto prompts = read_prompts({file}, {});
  EXPECT_EQ(prompts.counts.kind(), "judgments records, prompts");
  ASSERT_EQ(prompts.records.size(), 3u);
  EXPECT_EQ(prompts.records[1].prompt, "q");
}

TEST(Majority, FieldsMayBeRenamed) {
  const auto read =
      judged(R"({"q":"p","answers":["a","b"],"votes":[{"annotator":"k","choice":1}],"topic":"law"})",
             {{{"prompt", "q"}, {"responses", "answers"}, {"judgments", "votes"}, {"domain", "topic"}}, 0});
  EXPECT_EQ(read.at(0).domain, "law");
  EXPECT_EQ(read.at(0).judgments.at(0).verdict.choice, 1);
}

// The counts are from tests/golden/crowd_arguments/count.py.
TEST(Majority, OfRealJudgmentsIsThatOfPython) {
  const auto file = testing::shared_data() / "data/crowd_arguments/judgments.jsonl.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << " (RLHF_SHARED_DATA)";
  Json counts = Json::object();
  const auto add = [&](const char* name, std::size_t count) { counts[name] = counts.value(name, 0u) + count; };
  for_each_judged({file}, {}, [&](const JudgedRecord& record, const RecordPlace&) {
    const auto pairs = majority_pairs(record);
    add("records", 1);
    add("judgments", record.judgments.size());
    for (const Judgment& judgment : record.judgments) add("ties", judgment.verdict.kind == Verdict::Kind::tie ? 1 : 0);
    add("first", !pairs.empty() && pairs[0].chosen == 0 ? 1 : 0);
    add("second", !pairs.empty() && pairs[0].chosen == 1 ? 1 : 0);
    add("gold", record.gold ? 1 : 0);
    add("majority_is_gold", !pairs.empty() && record.gold == Verdict{.choice = pairs[0].chosen} ? 1 : 0);
  });
  const Json golden = Json::parse(std::ifstream(testing::source_dir() + "/golden/crowd_arguments/counts.json"));
  for (const auto& [name, count] : counts.items()) EXPECT_EQ(count, golden.at(name)) << name;
}

}  // namespace
}  // namespace rlhf
