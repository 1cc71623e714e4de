// Records with answers, as rlhf-generate --score-only reads them.
#include "rlhf/records/answered.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/misuse.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using Kind = AnsweredRecord::Kind;

class Answered : public ::testing::Test {
 protected:
  std::vector<AnsweredRecord> read(const std::string& lines, const std::string& prompt_field = "prompt") const {
    std::ofstream(file_) << lines;
    std::vector<AnsweredRecord> records;
    for_each_answered(file_, prompt_field, [&](AnsweredRecord record) { records.push_back(std::move(record)); });
    return records;
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "answered.jsonl";
};

TEST_F(Answered, OneAnswerUnderAnyOfItsNames) {
  for (const std::string name : {"completion", "response", "answer", "text"}) {
    const AnsweredRecord record = read("{\"prompt\": \"2+2=\", \"" + name + "\": \"4\", \"id\": 7}\n").at(0);
    EXPECT_EQ(record.kind, Kind::single);
    EXPECT_EQ(record.content.prompt, "2+2=");
    EXPECT_EQ(record.content.answers.at(0).text, "4");
    EXPECT_FALSE(record.content.whole);
    EXPECT_EQ(record.record.at("id"), 7) << "the record is kept as it is";
    EXPECT_EQ(record.place, file_.string() + ":1");
  }
  EXPECT_EQ(read("{\"question\": \"2+2=\", \"answer\": \"4\"}\n", "question").at(0).content.prompt, "2+2=");
}

TEST_F(Answered, AWholeText) {
  const AnsweredRecord record = read("{\"text\": \"2+2=4\"}\n").at(0);
  EXPECT_TRUE(record.content.whole);
  EXPECT_EQ(record.content.answers.at(0).text, "2+2=4");
}

TEST_F(Answered, PairsRankingsAndListsInOneFile) {
  const auto records = read(
      "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\", \"margin\": 2}\n"
      "{\"prompt\": \"q\", \"completions\": [{\"text\": \"a\", \"rank\": 2}, {\"text\": \"b\", \"rank\": 1}]}\n"
      "{\"prompt\": \"q\", \"responses\": [\"a\", \"b\", \"c\"]}\n"
      "{\"prompt\": \"q\", \"completions\": [{\"text\": \"a\"}]}\n");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].kind, Kind::pair);
  EXPECT_EQ(records[0].content.answers.at(1).text, "b");
  EXPECT_EQ(records[0].content.pairs.at(0).margin, 2);
  EXPECT_EQ(records[1].kind, Kind::list);
  EXPECT_EQ(records[1].content.pairs.at(0).chosen, 1) << "the lowest rank is the best";
  EXPECT_EQ(records[2].content.answers.size(), 3U);
  EXPECT_TRUE(records[2].content.pairs.empty());
  EXPECT_EQ(records[3].content.answers.at(0).text, "a");
}

TEST_F(Answered, TheLastTurnOfAConversation) {
  const std::string turns = "[{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"a\"}]";
  const AnsweredRecord messages = read("{\"messages\": " + turns + "}\n").at(0);
  EXPECT_EQ(messages.content.chat.messages.size(), 1U);
  EXPECT_EQ(messages.content.answers.at(0).turns.at(0).at("content"), "a");
  const AnsweredRecord mixed =
      read("{\"prompt\": [{\"role\": \"user\", \"content\": \"q\"}], \"response\": \"a\"}\n").at(0);
  EXPECT_EQ(mixed.content.answers.at(0).turns, messages.content.answers.at(0).turns) << "a text becomes a turn";
}

TEST_F(Answered, TheTokensThatRlhfGenerateWrote) {
  const AnsweredRecord record =
      read("{\"prompt_text\": \"q\", \"prompt_ids\": [1, 5], \"token_ids\": [6, 2], \"text\": \"a\"}\n").at(0);
  EXPECT_EQ(record.ids.value(), (TokenIds{1, 5, 6, 2}));
}

TEST_F(Answered, NullIsAbsent) {
  EXPECT_EQ(read("{\"prompt\": \"q\", \"chosen\": null, \"rejected\": null, \"completion\": \"a\"}\n").at(0).kind,
            Kind::single);
}

TEST_F(Answered, RefusesRecordsWithoutAnAnswerAndEmptyFiles) {
  testing::expect_misuse<DataError>(":1: expected an answer to score", [&] { read("{\"prompt\": \"q\"}\n"); });
  testing::expect_misuse<DataError>("responses: expected at least one answer, found an empty list",
                                    [&] { read("{\"prompt\": \"q\", \"responses\": []}\n"); });
  testing::expect_misuse<DataError>("responses[0]: expected a text",
                                    [&] { read("{\"prompt\": \"q\", \"responses\": [3]}\n"); });
  testing::expect_misuse<DataError>("token_ids[0]: expected",
                                    [&] { read("{\"prompt_ids\": [1], \"token_ids\": [-3]}\n"); });
  testing::expect_misuse<DataError>("expected at least one record, found none", [&] { read(""); });
}

}  // namespace
}  // namespace rlhf
