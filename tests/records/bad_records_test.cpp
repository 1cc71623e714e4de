// What bad data gets: one line, the class DataError (exit code 3), the place, what was expected and what was found.
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/records/records.h"

#include "support/file_bytes.h"
#include "support/gzip_file.h"
#include "support/special_files.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using namespace std::string_literals;
using testing::file_bytes;
using testing::TemporaryFolder;
using testing::write_gzip;

enum class Tool { sft, rm, ppo };

void read(Tool tool, const std::string& pattern, const RecordReading& reading = {}) {
  if (tool == Tool::sft) read_demonstrations({pattern}, reading);
  if (tool == Tool::rm) read_preferences({pattern}, reading);
  if (tool == Tool::ppo) read_prompts({pattern}, reading);
}

std::string data_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::data) << error.what();
    EXPECT_EQ(std::string(error.what()).find_first_of("\n\r\x1b"), std::string::npos) << "one printable line";
    return error.what();
  }
  return "accepted";
}

struct BadFile {
  const char* name;
  Tool tool;
  std::string bytes;
  std::string message;  // after the path; {file} stands for the path
};
std::ostream& operator<<(std::ostream& out, const BadFile& bad) { return out << bad.name; }

class BadRecords : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadRecords, AreRefusedInOneLine) {
  const TemporaryFolder folder;
  const auto file = folder.write("d.jsonl", GetParam().bytes);
  std::string message = file.string() + GetParam().message;
  if (const auto at = message.find("{file}"); at != std::string::npos) message.replace(at, 6, file.string());
  EXPECT_EQ(data_error([&] { read(GetParam().tool, file); }), message);
}

const std::string kDemonstrations =
    "expected {\"messages\"}, {\"conversations\"}, {\"instruction\", \"output\"}, {\"prompt\", \"completion\"} or "
    "{\"text\"}, ";
const std::string kPairs =
    "expected {\"prompt\", \"chosen\", \"rejected\"}, {\"prompt\", \"completions\"}, {\"prompt\", \"responses\", "
    "\"judgments\"} or {\"chosen\", \"rejected\"}, ";
const std::string kGood = "{\"prompt\": \"p\", \"completion\": \"c\"}\n";
const std::string kPair = "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}\n";

std::string nested(int depth) {
  return "{\"text\": \"t\", \"x\": " + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

const BadFile kNotJson[] = {
    {"PlainText", Tool::sft, "hello\n", ":1: byte 1: expected JSON, found broken JSON (invalid literal)"},
    {"CutObject", Tool::sft, "{\"text\": \"a\"\n",
     ":1: byte 13: expected JSON, found broken JSON (unexpected end of input; expected '}')"},
    {"CutString", Tool::sft, "{\"text\": \"a\n",
     ":1: byte 12: expected JSON, found broken JSON (invalid string: missing closing quote)"},
    {"SingleQuotes", Tool::sft, "{'text': 'a'}\n", ":1: byte 2: expected JSON, found broken JSON (invalid literal)"},
    {"TrailingComma", Tool::sft, "{\"text\": \"a\",}\n",
     ":1: byte 14: expected JSON, found broken JSON (unexpected '}'; expected string literal)"},
    {"TwoObjectsOnOneLine", Tool::sft, "{\"text\": \"a\"} {\"text\": \"b\"}\n",
     ":1: byte 15: expected JSON, found broken JSON (unexpected '{'; expected end of input)"},
    {"NotANumber", Tool::sft, "{\"text\": NaN}\n", ":1: text: expected a string, found NaN"},
    {"InfiniteMargin", Tool::rm, "{\"chosen\": \"a\", \"rejected\": \"b\", \"margin\": Infinity}\n",
     ":1: margin: expected a number from 0.0 to 1000000.0, found Infinity"},
    {"HugeNumber", Tool::sft, "{\"text\": \"a\", \"x\": 1e999}\n",
     ":1: expected a number that a double holds, found \"1e999\""},
    {"LoneSurrogate", Tool::sft, "{\"text\": \"\\ud800\"}\n",
     ":1: byte 17: expected JSON, found broken JSON (invalid string: surrogate U+D800..U+DBFF must be "
     "followed by U+DC00..U+DFFF)"},
    {"RawTab", Tool::sft, "{\"text\": \"a\tb\"}\n",
     ":1: byte 12: expected JSON, found broken JSON (invalid string: control character U+0009 (HT) must be "
     "escaped to \\u0009 or \\t)"},
    {"ArrayOfTexts", Tool::sft, "[\"a\"]\n", ":1: expected one JSON object, found \"a\""},
    {"ArrayOnALaterLine", Tool::sft, kGood + "[\"a\"]\n", ":2: expected one JSON object, found [\"a\"]"},
    {"PrettyPrintedObject", Tool::sft, "{\n  \"text\": \"a\"\n}\n",
     ":1: expected one JSON object per line, found an object over several lines; hint: jq -c . {file} > NEW.jsonl "
     "writes one object per line"},
    {"WrappedList", Tool::sft, "{\n  \"version\": 1,\n  \"data\": [\n    {\"text\": \"a\"}\n  ]\n}\n",
     ":1: expected one JSON object per line, found an object over several lines with a list \"data\"; hint: jq -c "
     "'.data[]' {file} > NEW.jsonl writes one record of the list per line"},
    {"WrappedListOnOneLine", Tool::sft, "{\"data\": [{\"text\": \"a\"}]}\n",
     ":1: " + kDemonstrations +
         "found \"data\"; hint: if \"data\" is the list of records: jq -c '.data[]' FILE > NEW.jsonl"},
    {"Number", Tool::sft, "3\n", ":1: expected one JSON object, found 3"},
    {"Null", Tool::sft, "null\n", ":1: expected one JSON object, found null"},
    {"SecondLine", Tool::sft, kGood + "oops\n", ":2: byte 1: expected JSON, found broken JSON (invalid literal)"},
    {"DuplicateKey", Tool::sft, "{\"text\": \"a\", \"text\": \"b\"}\n",
     ":1: expected unique keys, found \"text\" twice"},
    {"NestedDuplicateKey", Tool::sft, "{\"text\": \"a\", \"m\": {\"k\": 1, \"k\": 2}}\n",
     ":1: expected unique keys, found \"k\" twice"},
    {"Depth65", Tool::sft, nested(65) + "\n", ":1: expected at most 64 levels of nesting, found more"},
    {"Depth100", Tool::sft, nested(100) + "\n", ":1: expected at most 64 levels of nesting, found more"},
    {"Depth100000", Tool::sft, nested(100000) + "\n", ":1: expected at most 64 levels of nesting, found more"},
};
INSTANTIATE_TEST_SUITE_P(NotJson, BadRecords, ::testing::ValuesIn(kNotJson),
                         [](const auto& c) { return c.param.name; });

const BadFile kBadBytes[] = {
    {"Latin1", Tool::sft, "{\"text\": \"caf\xe9\"}\n",
     ":1: byte 14: expected UTF-8, found 0xE9; hint: iconv -t UTF-8 converts other encodings"},
    {"Overlong", Tool::sft, "{\"text\": \"\xc0\xaf\"}\n",
     ":1: byte 11: expected UTF-8, found 0xC0; hint: iconv -t UTF-8 converts other encodings"},
    {"EncodedSurrogate", Tool::sft, "{\"text\": \"\xed\xa0\x80\"}\n",
     ":1: byte 11: expected UTF-8, found 0xED; hint: iconv -t UTF-8 converts other encodings"},
    {"AboveUnicode", Tool::sft, "{\"text\": \"\xf4\x90\x80\x80\"}\n",
     ":1: byte 11: expected UTF-8, found 0xF4; hint: iconv -t UTF-8 converts other encodings"},
    {"CutCharacter", Tool::sft, "{\"text\": \"\xf0\x9f\x98\"}\n",
     ":1: byte 11: expected UTF-8, found 0xF0; hint: iconv -t UTF-8 converts other encodings"},
    {"Utf16", Tool::sft, "\xff\xfe{\0}\0\n"s,
     ":1: byte 1: expected UTF-8, found 0xFF; hint: iconv -t UTF-8 converts other encodings"},
    {"Nul", Tool::sft, "{\"text\": \"a\0b\"}\n"s, ":1: byte 12: expected text without NUL, found NUL"},
    {"EscapedNul", Tool::sft, "{\"text\": \"a\\u0000b\"}\n", ":1: expected text without NUL, found \\u0000"},
    {"ByteOrderMarkInside", Tool::sft, kGood + "\xef\xbb\xbf" + kGood,
     ":2: expected a byte order mark only at the start of the file, found one here"},
};
INSTANTIATE_TEST_SUITE_P(Bytes, BadRecords, ::testing::ValuesIn(kBadBytes), [](const auto& c) { return c.param.name; });

const BadFile kBadFields[] = {
    {"TextIsANumber", Tool::sft, "{\"text\": 5}\n", ":1: text: expected a string, found 5"},
    {"TextIsNull", Tool::sft, "{\"text\": null}\n", ":1: text: expected a string, found null"},
    {"CompletionIsAnArray", Tool::sft, "{\"prompt\": \"p\", \"completion\": [\"a\"]}\n",
     ":1: completion: expected a string, found [\"a\"]"},
    {"LongValueIsShortened", Tool::sft, "{\"text\": {\"k\": \"" + std::string(500, 'v') + "\"}}\n",
     ":1: text: expected a string, found {\"k\":\"" + std::string(71, 'v') + "…"},
    {"ValueIsEscaped", Tool::sft, "{\"text\": [\"\\u001b[31m\\n\"]}\n",
     ":1: text: expected a string, found [\"\\u001b[31m\\n\"]"},
    {"ChosenIsABoolean", Tool::rm, "{\"prompt\": \"p\", \"chosen\": true, \"rejected\": \"r\"}\n",
     ":1: chosen: expected a string, found true"},
    {"MarginIsAString", Tool::rm, "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\", \"margin\": \"1\"}\n",
     ":1: margin: expected a number from 0.0 to 1000000.0, found \"1\""},
    {"MarginIsHuge", Tool::rm, "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\", \"margin\": 1e38}\n",
     ":1: margin: expected a number from 0.0 to 1000000.0, found 1e+38"},
    {"MarginIsNegative", Tool::rm, "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\", \"margin\": -0.5}\n",
     ":1: margin: expected a number from 0.0 to 1000000.0, found -0.5"},
    {"WeightIsNegative", Tool::rm, "{\"chosen\": \"c\", \"rejected\": \"r\", \"weight\": -1}\n",
     ":1: weight: expected a number from 0.0 to 1000000.0, found -1"},
    {"ProbabilityIsAPercentage", Tool::rm, "{\"chosen\": \"c\", \"rejected\": \"r\", \"probability\": 93}\n",
     ":1: probability: expected a number from 0.0 to 1.0, found 93"},
    {"PromptIsANumber", Tool::ppo, "{\"prompt\": 1}\n", ":1: prompt: expected a string, found 1"},
    {"MissingFieldLater", Tool::sft, kGood + "\n{\"completion\": \"c\"}\n",
     ":3: " + kDemonstrations +
         "found \"completion\"; "
         "hint: rename fields with data.fields {name: name in the file} (rlhf-generate: --field)"},
    {"OtherFormatInTheMiddle", Tool::sft, kGood + "{\"text\": \"t\"}\n",
     ":2: expected demonstration records as at {file}:1, found \"text\""},
    {"PairAmongPrompts", Tool::ppo, "{\"prompt\": \"p\"}\n" + kPair,
     ":2: expected prompt records as at {file}:1, found \"prompt\", \"chosen\", \"rejected\""},
};
INSTANTIATE_TEST_SUITE_P(Fields, BadRecords, ::testing::ValuesIn(kBadFields),
                         [](const auto& c) { return c.param.name; });

const BadFile kOtherFormats[] = {
    {"PromptsForSft", Tool::sft, "{\"prompt\": \"p\"}\n",
     ":1: " + kDemonstrations + "found {\"prompt\"}, which is prompts for rlhf-ppo"},
    {"DemonstrationsForRm", Tool::rm, kGood,
     ":1: " + kPairs +
         "found {\"prompt\", \"completion\"}, which is demonstrations "
         "for rlhf-sft"},
    {"TextForRm", Tool::rm, "{\"text\": \"t\"}\n",
     ":1: " + kPairs + "found {\"text\"}, which is plain text for rlhf-sft"},
    {"MessagesForRm", Tool::rm, "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}\n",
     ":1: " + kPairs + "found {\"messages\"}, which is conversations for rlhf-sft"},
    {"TextForPpo", Tool::ppo, "{\"text\": \"t\"}\n",
     ":1: expected {\"prompt\"}, found \"text\"; hint: data.fields {prompt: text}"},
    {"RankingWithAPrompt", Tool::rm, "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"ranking\": [1, 0]}\n",
     ":1: " + kPairs +
         "found another kind of ranking (\"responses\" is a list); hint: write it as {\"prompt\", "
         "\"completions\": [{\"text\", \"rank\"}]} for rlhf-rm"},
    {"RankingForSft", Tool::sft, "{\"prompt\": \"p\", \"completions\": []}\n",
     ":1: completions: expected a list of 2 to 64 completions, found a list of 0"},
    {"UnknownFields", Tool::sft, "{\"question\": \"q\", \"answer\": \"a\"}\n",
     ":1: " + kDemonstrations +
         "found \"question\", \"answer\"; hint: data.fields {prompt: question, completion: answer}"},
    {"NoKnownField", Tool::sft, "{\"x\": \"q\", \"y\": \"a\"}\n",
     ":1: " + kDemonstrations +
         "found \"x\", \"y\"; "
         "hint: rename fields with data.fields {name: name in the file} (rlhf-generate: --field)"},
    {"EmptyObject", Tool::ppo, "{}\n",
     ":1: expected {\"prompt\"}, found no field; hint: rename fields with data.fields {name: name in the file} "
     "(rlhf-generate: --field)"},
};
INSTANTIATE_TEST_SUITE_P(OtherFormats, BadRecords, ::testing::ValuesIn(kOtherFormats),
                         [](const auto& c) { return c.param.name; });

TEST(BadFiles, MissingFolderEmptyAndUnmatched) {
  const TemporaryFolder folder;
  const std::string empty = folder.write("empty.jsonl", ""), blank = folder.write("blank.jsonl", "\n\r\n  \t\n");
  const auto message = [](const std::string& pattern) { return data_error([&] { read(Tool::sft, pattern); }); };
  const std::string absent = folder / "absent.jsonl", glob = folder / "no*.jsonl", path = folder.path();
  EXPECT_EQ(message(absent), "cannot read " + absent + ": expected a JSONL file, found no such file");
  EXPECT_EQ(message(glob), "cannot read " + glob + ": expected at least one matching file, found none");
  EXPECT_EQ(message(path), "cannot read " + path +
                               ": expected a JSONL file, found a folder; hint: give its files, "
                               "\"folder/*.jsonl\"");
  EXPECT_EQ(message(empty), "cannot read " + empty + ": expected at least one record, found none");
  EXPECT_EQ(message(blank), "cannot read " + blank + ": expected at least one record, found none");
}

TEST(BadFiles, FilesOfOtherKindsAreRefusedWithTheLineThatConvertsThem) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name) {
    const auto file = folder.write(name, "x");
    return data_error([&] { read(Tool::sft, file); });
  };
  const std::string at = folder.path().string();
  EXPECT_EQ(message("a.parquet"), "cannot read " + at +
                                      "/a.parquet: expected .jsonl, .json or .txt, found Parquet; hint: "
                                      "python3 -c \"import pandas; pandas.read_parquet('" +
                                      at +
                                      "/a.parquet').to_json('a.jsonl', "
                                      "orient='records', lines=True)\"");
  EXPECT_EQ(message("a.jsonl.zst"), "cannot read " + at +
                                        "/a.jsonl.zst: expected .jsonl, .json or .txt, found a zstd file; "
                                        "hint: zstd -d " +
                                        at + "/a.jsonl.zst");
  for (const char* name : {"a.csv", "a.tsv", "a.arrow", "a.jsonl.xz", "a.jsonl.bz2", "a.zip"})
    EXPECT_NE(message(name).find("expected .jsonl, .json or .txt, found "), std::string::npos) << name;
}

TEST(BadFiles, GzipCutShortOrDamagedIsRefused) {
  const TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "{\"text\": \"line " + std::to_string(i * 7919) + "\"}\n";
  const std::string bytes = file_bytes(write_gzip(folder / "whole.jsonl.gz", lines));
  EXPECT_EQ(read_demonstrations({folder / "whole.jsonl.gz"}, {}).records.size(), 5000u);
  for (const std::size_t size : {std::size_t{5}, std::size_t{15}, bytes.size() / 2, bytes.size() - 1}) {
    const auto cut = folder.write("cut.jsonl.gz", bytes.substr(0, size));
    EXPECT_EQ(data_error([&] {
                read_demonstrations({cut}, {{}, 1000000});
              }),
              "cannot read " + cut.string() + ": expected a JSONL file, found a truncated gzip file");
  }
  std::string damaged = bytes;
  damaged[bytes.size() - 6] ^= 1;  // in the checksum
  const auto file = folder.write("damaged.jsonl.gz", damaged);
  EXPECT_EQ(data_error([&] { read(Tool::sft, file); }), "cannot read " + file.string() +
                                                            ": expected a JSONL file, found a broken gzip file (" +
                                                            file.string() + ": incorrect data check)");
}

TEST(BadFiles, ALineOver64MiBIsRefusedAndCountsAsOneBadLine) {
  const TemporaryFolder folder;
  const std::string text = "{\"text\": \"" + std::string(64u << 20, 'a') + "\"}\n{\"text\": \"b\"}\n";
  const auto file = folder.write("long.jsonl", text);
  EXPECT_EQ(
      data_error([&] { read(Tool::sft, file); }),
      file.string() + ":1: expected a line of at most 64 MiB, found a longer one; hint: write one record per line");
  set_log_sink([](LogLevel, std::string_view) {});
  const auto rest = read_demonstrations({file}, {{}, 1});
  set_log_sink({});
  EXPECT_EQ(rest.records.size(), 1u);
  EXPECT_EQ(rest.counts.bad_lines, 1);
}

TEST(BadFiles, AFileListedTwiceIsRefused) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.jsonl", kGood), glob = folder / "*.jsonl";
  EXPECT_EQ(data_error([&] {
              read_demonstrations({glob, file}, {});
            }),
            "cannot read " + file + ": expected each file once, found it listed twice");
}

TEST(BadFields, UnknownNamesOfOursAreAConfigErrorEach) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.jsonl", kGood);
  try {
    read_demonstrations({file}, {{{"question", "prompt"}, {"answer", "completion"}}, 0});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    const std::string known =
        "messages, conversations, system, instruction, output, input, history, prompt, completion, text, chosen, "
        "rejected, margin, weight, probability, completions, rank, responses, judgments, id, domain, belief, gold, "
        "label, "
        "tools, "
        "chat_template_kwargs";
    EXPECT_EQ(error.issues(),
              (std::vector<std::string>{"data.fields.answer: expected one of " + known + " as the name to replace",
                                        "data.fields.question: expected one of " + known + " as the name to replace"}));
  }
}

TEST(BadFiles, OtherKindsOfFilesAreRefusedWithoutWaiting) {
  const TemporaryFolder folder;
  for (const testing::SpecialFile& special : testing::make_special_files(folder.path())) {
    const std::string file = special.path.string() + ".jsonl";
    std::filesystem::rename(special.path, file);
    const std::string found = data_error([&] { read(Tool::sft, file, {{}, 1000000}); });
    EXPECT_TRUE(found.starts_with("cannot read " + file + ": expected a JSONL file, found ")) << special.name << found;
  }
}

// 80 MiB of one byte: DEFLATE shrinks them by about 1000.
TEST(BadFiles, GzipThatExpandsWithoutEndIsRefused) {
  const TemporaryFolder folder;
  const auto file = write_gzip(folder / "bomb.jsonl.gz", std::string(std::size_t{80} << 20, '\n'));
  EXPECT_EQ(data_error([&] {
              read(Tool::sft, file, {{}, 1000000});
            }),
            "cannot read " + file.string() +
                ": expected a JSONL file, found a gzip file that expands more than 200 times; hint: unpack it");
}

}  // namespace
}  // namespace rlhf
