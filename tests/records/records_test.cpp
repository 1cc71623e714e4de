#include "rlhf/records/records.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/records/jsonl.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

TEST(Records, TextIsAWholeDemonstration) {
  const TemporaryFolder folder;
  const auto read =
      read_demonstrations({folder.write("a.jsonl", "{\"text\":\"once\",\"id\":3}\n{\"text\":\"\"}\n")}, {});
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.counts.format, RecordFormat::text);
  EXPECT_TRUE(read.records[0].whole);
  EXPECT_EQ(read.records[0].prompt, "");
  EXPECT_EQ(read.records[0].completion, "once");
}

TEST(Records, RenamedFieldsAreRead) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}\n");
  const auto read = read_demonstrations({file}, {{{"prompt", "question"}, {"completion", "answer"}}, 0});
  EXPECT_EQ(read.counts.format, RecordFormat::demonstration);
  EXPECT_FALSE(read.records.at(0).whole);
  EXPECT_EQ(read.records[0].prompt, "q");
  EXPECT_EQ(read.records[0].completion, "a");
  EXPECT_EQ(read_prompts({file}, {{{"prompt", "question"}}, 0}).records.at(0).prompt, "q");
}

TEST(Records, ChosenTextsTrainAsCompletionsWhenSaid) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n");
  EXPECT_EQ(read_demonstrations({file}, {{{"completion", "chosen"}}, 0}).records.at(0).completion, "c");
}

TEST(Records, PreferencesCarryAMargin) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl",
                                 "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"margin\":0.25}\n"
                                 "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n");
  const auto read = read_preferences({file}, {});
  EXPECT_EQ(read.counts.format, RecordFormat::preference);
  EXPECT_EQ(read.records.at(0).pairs.at(0).margin, 0.25F);
  EXPECT_EQ(read.records.at(1).pairs.at(0).margin, 0.0F);
  EXPECT_EQ(read.records[0].prompt + read.records[0].answers.at(0).text + read.records[0].answers.at(1).text, "pcr");
}

TEST(Records, PreferencesCarryAWeightAndAProbability) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("a.jsonl",
                   "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"weight\":2.5,\"probability\":0.75}\n"
                   "{\"prompt\":\"q\",\"chosen\":\"c\",\"rejected\":\"r\",\"weight\":0}\n"
                   "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n");
  const auto read = read_preferences({file}, {});
  ASSERT_EQ(read.records.size(), 2U) << "a weight of 0 leaves the record out";
  EXPECT_EQ(read.counts.without_sample, 1);
  EXPECT_EQ(read.records[0].pairs.at(0).weight, 2.5F);
  EXPECT_EQ(read.records[0].pairs.at(0).target, 0.75F);
  EXPECT_EQ(read.records[1].pairs.at(0).weight, 1.0F);
  EXPECT_EQ(read.records[1].pairs.at(0).target, 1.0F);
  EXPECT_TRUE(read.counts.unread.empty());
  EXPECT_EQ(read_demonstrations({file}, {}).records.size(), 2U);
  EXPECT_EQ(read_prompts({file}, {}).records.at(1).prompt, "q") << "a prompt has no weight";
}

TEST(Records, PromptsCarryTheirWholeLine) {
  const TemporaryFolder folder;
  const auto read = read_prompts({folder.write("a.jsonl", "{\"prompt\":\"p\",\"answer\":[1,2.5]}\n")}, {});
  EXPECT_EQ(read.counts.format, RecordFormat::prompt);
  EXPECT_EQ(nlohmann::json::parse(read.records.at(0).extra), nlohmann::json({{"prompt", "p"}, {"answer", {1, 2.5}}}));
}

TEST(Records, SeveralFilesCountTogether) {
  const TemporaryFolder folder;
  folder.write("a.jsonl", "{\"text\":\"1\"}\nbad\n{\"text\":\"2\"}\n");
  folder.write("b.jsonl", "bad\n{\"text\":\"3\"}\n");
  const std::string glob = folder / "*.jsonl";
  set_log_sink([](LogLevel, std::string_view) {});
  const auto read = read_demonstrations({glob}, {{}, 2});
  EXPECT_EQ(read.counts.records, 3);
  EXPECT_EQ(read.counts.bad_lines, 2);
  EXPECT_EQ(read.records.at(2).completion, "3");
  EXPECT_EQ(read.counts.files, (std::vector<std::filesystem::path>{folder / "a.jsonl", folder / "b.jsonl"}));
  EXPECT_THROW(read_demonstrations({glob}, {{}, 1}), DataError) << "the limit holds for all files together";
  set_log_sink({});
}

/// Whether the error that is thrown is one that max_bad_lines could skip.
template <typename Read>
bool skippable(const Read& read) {
  try {
    read();
  } catch (const BadRecord&) {
    return true;
  } catch (const DataError&) {
    return false;
  }
  ADD_FAILURE() << "nothing is thrown";
  return false;
}

TEST(Records, AWrongFormatIsNoBadLineThatCouldBeForgiven) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"prompt\":\"p\"}\n{\"text\":\"t\"}\n");
  EXPECT_FALSE(skippable([&] { read_demonstrations({file}, {{}, 100}); }));
  const auto later = folder.write("b.jsonl", "{\"text\":\"t\"}\n{\"prompt\":\"p\"}\n");
  set_log_sink([](LogLevel, std::string_view) {});
  EXPECT_EQ(read_demonstrations({later}, {{}, 100}).counts.bad_lines, 1);
  set_log_sink({});
}

TEST(Records, OnlyABadRecordIsSkipped) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"text\":\"1\"}\n{\"text\":\"2\"}\n{\"text\":\"3\"}\n");
  const auto read = [&](const RecordSink<Demonstration>& sink) {
    return for_each_demonstration({file}, {{}, 1}, sink);
  };
  const auto fail = [&](const auto& error) { return read([&](Demonstration, const RecordPlace&) { throw error; }); };
  EXPECT_FALSE(skippable([&] { fail(DataError("the sink is full")); }));
  EXPECT_TRUE(skippable([&] { fail(BadRecord("no use for it")); })) << "three of them are too many";
  set_log_sink([](LogLevel, std::string_view) {});
  std::vector<std::int64_t> indices;
  const auto counts = read([&](const Demonstration& record, const RecordPlace& place) {
    if (record.completion == "2") throw BadRecord("no use for it");
    indices.push_back(place.index);
  });
  set_log_sink({});
  EXPECT_EQ(counts.bad_lines, 1);
  EXPECT_EQ(counts.records, 2);
  EXPECT_EQ(indices, (std::vector<std::int64_t>{0, 1}));
}

TEST(Records, FormatMustHoldInAFileAndNotAcrossFiles) {
  const TemporaryFolder folder;
  const std::string text = "{\"text\":\"t\"}\n", demonstration = "{\"prompt\":\"p\",\"completion\":\"c\"}\n";
  const std::string a = folder.write("a.jsonl", text), b = folder.write("b.jsonl", demonstration);
  EXPECT_EQ(read_demonstrations({a, b}, {}).counts.kind(), "text records (a.jsonl); demonstration records (b.jsonl)");
  const std::string both = folder.write("c.jsonl", text + demonstration);
  try {
    read_demonstrations({both}, {});
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_EQ(error.what(), both + ":2: expected text records as at " + both + ":1, found \"prompt\", \"completion\"");
  }
}

TEST(Checksum, IsTheOneOfGzip) {
  const TemporaryFolder folder;
  EXPECT_EQ(crc32_of_file(folder.write("check", "123456789"), ExitCode::data), 0xCBF43926u);  // the usual check value
  EXPECT_EQ(crc32_of_file(folder.write("empty", ""), ExitCode::data), 0u);
  const auto read = read_demonstrations({folder.write("a.jsonl", "{\"text\":\"a\"}\n")}, {});
  EXPECT_EQ(read.counts.file_crc32, (std::vector<std::uint32_t>{0x38C24C77u}));  // zlib.crc32 of Python
  try {
    crc32_of_file(folder / "absent", ExitCode::model);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::model);
  }
}

}  // namespace
}  // namespace rlhf
