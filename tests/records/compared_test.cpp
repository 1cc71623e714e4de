// Records that compare answers, as rlhf-eval reward reads them.
#include "rlhf/records/compared.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/misuse.h"
#include "support/read_golden.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

std::vector<ComparedRecord> compared(const std::string& lines, const ComparedReading& reading = {}) {
  const testing::TemporaryFolder folder;
  std::vector<ComparedRecord> records;
  for_each_compared({folder.write("a.jsonl", lines)}, reading,
                    [&](ComparedRecord record) { records.push_back(std::move(record)); });
  return records;
}

void expect_votes(const PairVotes& votes, double first, double second, double neither) {
  EXPECT_EQ(votes.first, first);
  EXPECT_EQ(votes.second, second);
  EXPECT_EQ(votes.neither, neither);
}

TEST(Compared, APairIsOneVote) {
  const auto records = compared(
      "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\", \"domain\": \"law\"}\n"
      "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\", \"subset\": \"Focus\"}\n");
  ASSERT_EQ(records.size(), 2U);
  ASSERT_EQ(records[0].pairs.size(), 1U);
  EXPECT_EQ(records[0].pairs[0].first, 0);
  expect_votes(records[0].pairs[0].votes, 1, 0, 0);
  EXPECT_FALSE(records[0].pairs[0].gold);
  EXPECT_EQ(records[0].domain, "law");
  EXPECT_EQ(records[1].domain, "Focus");
  EXPECT_EQ(records[0].right, 0U);
}

TEST(Compared, EqualRanksAreATie) {
  const auto pairs = compared(R"({"prompt":"q","completions":[{"text":"a","rank":2},{"text":"b","rank":1},)"
                              R"({"text":"c","rank":2}]})"
                              "\n")
                         .at(0)
                         .pairs;
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].first, 1);
  EXPECT_EQ(pairs[0].second, 0);
  EXPECT_EQ(pairs[2].first, 0);
  EXPECT_EQ(pairs[2].second, 2);
  expect_votes(pairs[2].votes, 0, 0, 1);
}

TEST(Compared, ListsOfRightAndWrongAnswersAreBestOfN) {
  const auto record = compared(R"({"prompt":"q","chosen":["a","b"],"rejected":["c","d","e"],"subset":"Ties"})"
                               "\n")
                          .at(0);
  EXPECT_EQ(record.right, 2U);
  EXPECT_FALSE(record.styled);
  EXPECT_EQ(record.answered.content.answers.size(), 5U);
  ASSERT_EQ(record.pairs.size(), 7U) << "2 · 3 pairs and one tie";
  EXPECT_EQ(record.pairs[5].first, 1);
  EXPECT_EQ(record.pairs[5].second, 4);
  expect_votes(record.pairs[6].votes, 0, 0, 1);
}

TEST(Compared, ThreeAndThreeAreStyles) {
  const std::string lists = R"("prompt":"q","chosen":["a","b","c"],"rejected":["d","e","f"])";
  const auto records = compared("{" + lists + ",\"domain\":\"chat\"}\n{" + lists + ",\"subset\":\"Ties\"}\n");
  EXPECT_TRUE(records[0].styled);
  EXPECT_EQ(records[0].pairs.size(), 9U) << "the same answer in another style is no tie";
  EXPECT_FALSE(records[1].styled);
  EXPECT_EQ(records[1].pairs.size(), 12U);
}

TEST(Compared, JudgmentsAreCountedByRole) {
  const auto record = compared(R"({"prompt":"q","responses":["a","b"],"domain":"code","gold":0,"judgments":[)"
                               R"({"annotator":"k1","choice":1},{"annotator":"k2","choice":1},)"
                               R"({"annotator":"k3","role":"expert","choice":0},{"annotator":"k4","tie":true}]})"
                               "\n")
                          .at(0);
  ASSERT_EQ(record.pairs.size(), 1U);
  const ComparedPair& pair = record.pairs[0];
  EXPECT_EQ(pair.first, 1) << "most votes prefer the second response";
  EXPECT_EQ(pair.second, 0);
  expect_votes(pair.votes, 2, 1, 1);
  expect_votes(pair.by_role[static_cast<std::size_t>(AnnotatorRole::crowd)], 2, 0, 1);
  expect_votes(pair.by_role[static_cast<std::size_t>(AnnotatorRole::expert)], 0, 1, 0);
  expect_votes(pair.by_role[static_cast<std::size_t>(AnnotatorRole::ai)], 0, 0, 0);
  expect_votes(pair.gold.value(), 0, 1, 0);
  EXPECT_EQ(record.domain, "code");
}

TEST(Compared, ResponsesThatWereNotChosenAreNotCompared) {
  const auto pairs = compared(R"({"prompt":"q","responses":["a","b","c"],"judgments":[{"annotator":"k","choice":2}]})"
                              "\n")
                         .at(0)
                         .pairs;
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].first, 2);
  EXPECT_EQ(pairs[0].second, 0);
  EXPECT_EQ(pairs[1].second, 1);
}

TEST(Compared, FieldsCanHaveOtherNames) {
  const auto record = compared("{\"question\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\", \"topic\": \"tax\"}\n",
                               {.prompt_field = "question", .domain_field = "topic"})
                          .at(0);
  EXPECT_EQ(record.answered.content.prompt, "q");
  EXPECT_EQ(record.domain, "tax");
}

TEST(Compared, RefuseWhatHasNoOrder) {
  using testing::expect_misuse;
  expect_misuse<DataError>(
      "a.jsonl:1: expected answers in an order (chosen and rejected, ranks or judgments), found "
      "\"prompt\", \"responses\"",
      [] { compared("{\"prompt\": \"q\", \"responses\": [\"a\", \"b\"]}\n"); });
  expect_misuse<DataError>("expected answers in an order",
                           [] { compared("{\"prompt\": \"q\", \"completion\": \"a\"}\n"); });
  expect_misuse<DataError>("a.jsonl:1: rejected: expected a list of 1 to 64 texts, found a list of 0",
                           [] { compared("{\"prompt\": \"q\", \"chosen\": [\"a\"], \"rejected\": []}\n"); });
  expect_misuse<DataError>("expected at least one record, found none", [] { compared("\n"); });
  expect_misuse<DataError>("a.jsonl:1: judgments[0].role: expected one of", [] {
    compared(R"({"prompt":"q","responses":["a","b"],"judgments":[{"annotator":"k","choice":1,"role":"boss"}]})"
             "\n");
  });
}

TEST(Compared, OfCrowdArgumentsHaveTheirVotes) {
  const auto file = testing::shared_data() / "data/crowd_arguments/judgments.jsonl.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << " (RLHF_SHARED_DATA)";
  std::int64_t records = 0;
  double votes = 0, gold = 0;
  for_each_compared({file}, {}, [&](const ComparedRecord& record) {
    ++records;
    for (const ComparedPair& pair : record.pairs) {
      votes += pair.votes.first + pair.votes.second + pair.votes.neither;
      gold += pair.gold.has_value();
    }
  });
  const auto& golden = testing::read_golden("crowd_arguments/counts.json");  // counted by Python
  EXPECT_EQ(records, golden["records"]);
  EXPECT_EQ(votes, golden["judgments"]);
  EXPECT_EQ(gold, golden["gold"]);
}

}  // namespace
}  // namespace rlhf
