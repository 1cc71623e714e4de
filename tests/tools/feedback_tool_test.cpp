// rlhf-feedback, as a user starts it.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <sys/stat.h>
#include <tuple>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/version.h"

#include "support/file_bytes.h"
#include "support/temporary_folder.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPanda =
    R"([{"instruction":"i","input":"","response1":"a","response2":"b","annotator1":1,"annotator2":2,"annotator3":2}])";
constexpr const char* kJudgments =
    R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"Hi There","choice":0},)"
    R"({"annotator":"Hi There","role":"expert","tie":true},{"annotator":"Hi There","role":"ai","choice":1}]})"
    "\n";

class FeedbackTool : public ::testing::Test {
 protected:
  ProgramResult run(const std::string& arguments) const {
    return run_program("cd " + folder_.path().string() + " && " + RLHF_BIN + "/rlhf-feedback " + arguments);
  }
  std::string text(const std::string& file) const { return testing::file_bytes(folder_ / file); }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      names.insert(entry.path().lexically_relative(folder_.path()));
    return names;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(FeedbackTool, AnswersHelpAndVersionWithoutLibTorch) {
  EXPECT_TRUE(run("--help").out.starts_with("usage: rlhf-feedback COMMAND [arguments]\n"));
  const std::string help = run("convert --help").out;
  EXPECT_TRUE(help.starts_with("usage: rlhf-feedback convert FILE --from FORMAT")) << help;
  for (const char* format :
       {"judgments", "trl", "hh", "oasst", "argilla", "label_studio", "pandalm", "arena", "llmbar"})
    EXPECT_NE(help.find("\n  " + std::string(format) + " "), std::string::npos) << format;
  EXPECT_EQ(run("--version").out, std::string("rlhf-feedback ") + kVersion + "\n");
  const std::string loaded = run_program("LD_TRACE_LOADED_OBJECTS=1 " + std::string(RLHF_BIN) + "/rlhf-feedback").out;
  EXPECT_NE(loaded.find("libc.so"), std::string::npos);
  EXPECT_EQ(loaded.find("torch"), std::string::npos) << loaded;
}

TEST_F(FeedbackTool, ConvertsAndSaysWhatIsLost) {
  folder_.write("panda.json", kPanda);
  const ProgramResult judgments = run("convert panda.json --from pandalm --output new/a.jsonl");
  EXPECT_EQ(judgments.exit_code, 0) << judgments.err;
  EXPECT_EQ(judgments.out, "");
  EXPECT_EQ(text("new/a.jsonl"),
            R"({"prompt":"i","responses":["a","b"],"judgments":[{"annotator":"annotator1","role":"crowd","choice":0},)"
            R"({"annotator":"annotator2","role":"crowd","choice":1},)"
            R"({"annotator":"annotator3","role":"crowd","choice":1}]})"
            "\n");
  EXPECT_NE(judgments.err.find("wrote 1 record to new/a.jsonl, from 1 record with 3 judgments\n"), std::string::npos)
      << judgments.err;
  const ProgramResult pairs = run("convert new/a.jsonl --from judgments --to hh --output a.hh.jsonl");
  EXPECT_EQ(pairs.exit_code, 0) << pairs.err;
  const auto pair = nlohmann::json::parse(text("a.hh.jsonl"));
  EXPECT_EQ(pair.at("chosen"), "\n\nHuman: i\n\nAssistant: b");
  EXPECT_EQ(pair.at("probability"), 2.0 / 3);
  for (const char* line : {"wrote 1 pair to a.hh.jsonl, from 1 record with 3 judgments\n",
                           "not in hh: who judged, and in which role (3)\n",
                           "not in hh: prompts as they were: they became a turn of the human (1)\n"})
    EXPECT_NE(pairs.err.find(line), std::string::npos) << pairs.err;
}

TEST_F(FeedbackTool, NamesTheAnnotatorAndRoleThatAFormatDoesNotSay) {
  folder_.write("a.jsonl", R"({"q":"p","chosen":"c","rejected":"r"})");
  const ProgramResult unnamed = run("convert a.jsonl --from trl --field prompt=q --output a");
  EXPECT_NE(unnamed.err.find("trl does not say who judged: all judgments are by \"trl\"; hint: --annotator NAME\n"),
            std::string::npos)
      << unnamed.err;
  const ProgramResult named =
      run("convert a.jsonl --from trl --field prompt=q --annotator panel --role expert --output b");
  EXPECT_EQ(named.err.find("does not say"), std::string::npos) << named.err;
  EXPECT_EQ(text("b"),
            R"({"prompt":"p","responses":["c","r"],"judgments":[{"annotator":"panel","role":"expert","choice":0}]})"
            "\n");
}

TEST_F(FeedbackTool, KeepsAnOutputThatExists) {
  folder_.write("panda.json", kPanda);
  folder_.write("a.jsonl", "mine");
  const ProgramResult kept = run("convert panda.json --from pandalm --output a.jsonl </dev/null");
  EXPECT_EQ(kept.exit_code, 2);
  EXPECT_EQ(kept.err,
            "error: output: expected a file that does not exist, found a.jsonl; hint: choose another name, or add "
            "--overwrite\n");
  EXPECT_EQ(text("a.jsonl"), "mine");
  EXPECT_EQ(run("convert panda.json --from pandalm --output a.jsonl --overwrite").exit_code, 0);
  EXPECT_NE(text("a.jsonl"), "mine");
}

// RFC 4231, test case 1: HMAC-SHA-256 of "Hi There" with a key of 20 bytes 0x0b.
TEST_F(FeedbackTool, PseudonymsAreHmacSha256) {
  folder_.write("a.jsonl", kJudgments);
  fs::permissions(folder_.write("key", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0B0B\n"), fs::perms::owner_read);
  const ProgramResult result = run("convert a.jsonl --from judgments --output b.jsonl --pseudonyms key");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(text("b.jsonl"), R"({"prompt":"p","responses":["a","b"],"judgments":[)"
                             R"({"annotator":"pb0344c61d8db3853","role":"crowd","choice":0},)"
                             R"({"annotator":"pb0344c61d8db3853","role":"expert","tie":true},)"
                             R"({"annotator":"Hi There","role":"ai","choice":1}]})"
                             "\n")
      << "models keep their names";
}

TEST_F(FeedbackTool, AKeyIsMadeForItsOwnerAloneAndUsedAgain) {
  folder_.write("a.jsonl", kJudgments);
  ASSERT_EQ(run("convert a.jsonl --from judgments --output b.jsonl --pseudonyms key").exit_code, 0);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(text("key").size(), 65U);
  ASSERT_EQ(run("convert a.jsonl --from judgments --output c.jsonl --pseudonyms key").exit_code, 0);
  EXPECT_EQ(text("b.jsonl"), text("c.jsonl"));
  ASSERT_EQ(run("convert a.jsonl --from judgments --output d.jsonl --pseudonyms other").exit_code, 0);
  EXPECT_NE(text("b.jsonl"), text("d.jsonl"));
  fs::permissions(folder_ / "key", fs::perms::others_read, fs::perm_options::add);
  const ProgramResult open = run("convert a.jsonl --from judgments --output e.jsonl --pseudonyms key");
  EXPECT_NE(open.err.find("other users may read the key in key; hint: chmod 600 key\n"), std::string::npos) << open.err;
}

TEST_F(FeedbackTool, RefusesInOneLineAndWritesNothing) {
  folder_.write("panda.json", kPanda);
  folder_.write("j.jsonl", kJudgments);
  folder_.write("bad.jsonl", std::string(kJudgments) +
                                 R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","choice":2}]})");
  folder_.write("tied.jsonl", R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","tie":true}]})");
  folder_.write("short", "0b0b\n");
  folder_.write("file", "");
  const std::string known = "judgments, trl, hh, oasst, argilla, label_studio, pandalm, arena, llmbar";
  const std::tuple<std::string, int, std::string> cases[] = {
      {"", 2, "command line: expected a command, found none; hint: rlhf-feedback --help"},
      {"audti", 2, "command line: unknown argument audti; hint: --help lists all of them"},
      {"convert --from trl --output o", 2, "command line: FILE: expected a file to convert, found none"},
      {"convert panda.json --output o", 2, "command line: --from: expected one of " + known + ", found nothing"},
      {"convert panda.json --from pandaml --output o", 2,
       "command line: --from: expected one of " + known + ", found pandaml; did you mean `pandalm`?"},
      {"convert panda.json --from pandalm --to arena --output o", 2,
       "command line: --to: expected one of judgments, trl, hh, found arena"},
      {"convert panda.json --from pandalm", 2, "command line: --output: expected a file to write, found nothing"},
      {"convert panda.json --from pandalm --outptu o", 2,
       "command line: unknown flag --outptu; hint: --help lists all of them"},
      {"convert panda.json j.jsonl --from pandalm --output o", 2,
       "command line: unknown argument j.jsonl; hint: --help lists all of them"},
      {"convert panda.json --from pandalm --output o --role judge", 2,
       "command line: --role: expected one of crowd, expert, ai, found judge"},
      {"convert j.jsonl --from judgments --output o --role ai", 2,
       "command line: --role: expected a format without roles, found --from judgments"},
      {"convert panda.json --from pandalm --output o --annotator x", 2,
       "command line: --annotator: expected a format that does not say who judged, found --from pandalm"},
      {"convert panda.json --from pandalm --output o --field input", 2,
       "command line: --field: expected NAME=THEIRS, found input"},
      {"convert panda.json --from pandalm --output o --field imput=x", 2,
       "command line: --field: expected one of instruction, input, response1, response2 as NAME, found imput; did you "
       "mean `input`?"},
      {"convert j.jsonl --from judgments --to trl --output o --pseudonyms new", 2,
       "command line: --pseudonyms: expected --to judgments beside it, found --to trl"},
      {"convert nowhere.jsonl --from trl --output o --pseudonyms new", 3,
       "cannot read nowhere.jsonl: expected a JSONL file, found no such file"},
      {"convert bad.jsonl --from judgments --output new/o --pseudonyms new", 3,
       "bad.jsonl:2: judgments[0].choice: expected an index from 0 to 1, found 2"},
      {"convert tied.jsonl --from judgments --to trl --output o", 3,
       "converting tied.jsonl: expected at least one record with a majority, found none"},
      {"convert j.jsonl --from judgments --output o --pseudonyms short", 3,
       "reading short: expected a key of 32 to 128 hexadecimal digits, found something else; hint: name a file that "
       "does not exist to make a key"},
      {"convert j.jsonl --from judgments --output o --pseudonyms nowhere/key", 10,
       "writing nowhere/key: No such file or directory"},
      {"convert j.jsonl --from judgments --output file/o", 10, "creating file: Not a directory"},
  };
  const auto before = files();
  for (const auto& [arguments, code, message] : cases) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments;
    EXPECT_EQ(result.err, "error: " + message + "\n");
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(files(), before) << arguments;
  }
}

}  // namespace
}  // namespace rlhf
