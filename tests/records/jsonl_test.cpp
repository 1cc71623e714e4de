#include "rlhf/records/jsonl.h"

#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"

#include "support/gzip_file.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

struct Seen {
  std::vector<std::int64_t> lines;
  std::vector<std::string> texts;
};

Seen read_all(const std::filesystem::path& file) {
  Seen seen;
  for_each_json_line(file, 0, [&](const JsonLine& line) {
    seen.lines.push_back(line.line);
    seen.texts.push_back(string_field(line, "t"));
  });
  return seen;
}

TEST(Jsonl, EmptyLinesCrlfByteOrderMarkAndAMissingNewlineAreFine) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "\xef\xbb\xbf{\"t\":\"a\"}\r\n\r\n   \n\n{\"t\":\"b\"}\n\t{\"t\":\"c\"}  ");
  const Seen seen = read_all(file);
  EXPECT_EQ(seen.texts, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(seen.lines, (std::vector<std::int64_t>{1, 5, 6}));
}

TEST(Jsonl, EscapesAndUnicodeComeThroughAsTheyAre) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"t\":\"\\n\\t\\\"\\u00e9\\ud83d\\ude00 日本 \xef\xbb\xbf\"}\n");
  EXPECT_EQ(read_all(file).texts, (std::vector<std::string>{"\n\t\"é😀 日本 \xef\xbb\xbf"}));
}

TEST(Jsonl, NulComesThroughWhereItIsAllowed) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"t\":\"a\\u0000b\"}\n");
  EXPECT_THROW(read_all(file), BadRecord);
  std::string text;
  const auto keep = [&](const JsonLine& line) { text = string_field(line, "t"); };
  for_each_json_line(file, 0, keep, {.allow_nul = true});
  EXPECT_EQ(text, std::string("a\0b", 3));
}

TEST(Jsonl, GzipReadsAsPlainWhateverItsName) {
  const TemporaryFolder folder;
  const auto zipped = testing::write_gzip(folder / "a.jsonl.gz", "{\"t\":\"a\"}\n{\"t\":\"b\"}\n");
  EXPECT_EQ(read_all(zipped).texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read_all(folder.write("plain.jsonl.gz", "{\"t\":\"c\"}\n")).texts, (std::vector<std::string>{"c"}));
}

TEST(Jsonl, LinesAcrossTheReadersBufferComeWhole) {
  const TemporaryFolder folder;
  std::string bytes;
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {  // 40 lines of 100 kB to 139 kB: a 256 KiB buffer ends inside many of them
    expected.push_back(std::string(100000 + 1000 * i, static_cast<char>('a' + i % 26)));
    bytes += "{\"t\":\"" + expected.back() + "\"}\n";
  }
  EXPECT_EQ(read_all(folder.write("a.jsonl", bytes)).texts, expected);
}

TEST(Jsonl, SixtyFourLevelsAreAllowed) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"t\":\"a\",\"x\":" + std::string(63, '[') + std::string(63, ']') + "}");
  EXPECT_EQ(read_all(file).texts.size(), 1u);
}

TEST(Jsonl, BadLinesAreCountedAndWarnedAboutUntilTheyAreTooMany) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "x\n{\"t\":\"a\"}\n{\"u\":1}\n{\"t\":\"b\"}\n");
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel level, std::string_view message) {
    EXPECT_EQ(level, LogLevel::warning);
    warnings.emplace_back(message);
  });
  std::vector<std::string> texts;
  const auto take = [&](const JsonLine& line) { texts.push_back(string_field(line, "t")); };
  EXPECT_EQ(for_each_json_line(file, 2, take), 2);
  set_log_sink({});
  EXPECT_EQ(texts, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[1],
            "skipped a bad line: " + file.string() + ":3: t: expected a string, found no such key; it has \"u\"");
  set_log_sink([](LogLevel, std::string_view) {});
  EXPECT_THROW(for_each_json_line(file, 1, take), DataError);
  set_log_sink({});
}

TEST(Jsonl, OtherErrorsOfTheCallerAreNotBadLines) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"t\":\"a\"}\n");
  EXPECT_THROW(for_each_json_line(file, 9, [](const JsonLine&) { throw ModelError("m"); }), ModelError);
  EXPECT_THROW(for_each_json_line(file, 9, [](const JsonLine&) { throw DataError("d"); }), DataError);
}

TEST(Jsonl, ASignalStopsTheScan) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", "{\"t\":\"a\"}\n{\"t\":\"b\"}\n");
  int lines = 0;
  const auto stop = [&](const JsonLine&) {
    ++lines;
    set_stop_signal(SIGTERM);
  };
  EXPECT_THROW(for_each_json_line(file, 0, stop), Interrupted);
  set_stop_signal(0);
  EXPECT_EQ(lines, 1);
}

TEST(Globs, AreSortedAndPathsWithBracketsAreTakenAsTheyAre) {
  const TemporaryFolder folder;
  for (const char* name : {"b.jsonl", "a.jsonl", "c.txt", "[x].jsonl"}) folder.write(name, "");
  const std::vector<std::filesystem::path> sorted = {folder / "[x].jsonl", folder / "a.jsonl", folder / "b.jsonl"};
  EXPECT_EQ(expand_globs({(folder / "*.jsonl").string()}), sorted);
  EXPECT_EQ(expand_globs({(folder / "b.jsonl").string(), (folder / "[x].jsonl").string()}),
            (std::vector<std::filesystem::path>{folder / "[x].jsonl", folder / "b.jsonl"}));
  EXPECT_THROW(expand_globs({(folder / "[y].jsonl").string()}), DataError);
}

}  // namespace
}  // namespace rlhf
