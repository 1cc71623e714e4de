// rlhf-report, as a user starts it.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/version.h"

#include "report/run_folder_maker.h"
#include "support/temporary_folder.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

class ReportTool : public ::testing::Test {
 protected:
  ReportTool() {
    testing::make_ppo_run(folder_, "a");
    testing::make_ppo_run(folder_, "b");
  }
  ProgramResult run(const std::string& arguments) const {
    return run_program("cd " + folder_.path().string() + " && " + bin_dir() + "/rlhf-report " + arguments);
  }
  bool exists(const std::string& file) const { return std::filesystem::exists(folder_ / file); }

  testing::TemporaryFolder folder_;
};

TEST_F(ReportTool, WritesIntoTheRunOrTheCurrentFolderOrWhereItIsTold) {
  EXPECT_EQ(run("a").exit_code, 0);
  EXPECT_TRUE(exists("a/report.html"));
  EXPECT_EQ(run("a b/").exit_code, 0);
  EXPECT_TRUE(exists("report.html"));
  EXPECT_EQ(run("--output page.html a b").exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "page.html", ExitCode::data), read_file(folder_ / "report.html", ExitCode::data));
  EXPECT_FALSE(exists("b/report.html"));
}

TEST_F(ReportTool, AnswersHelpAndVersion) {
  EXPECT_TRUE(run("--help").out.starts_with("usage: rlhf-report RUN… [--output FILE]\n"));
  EXPECT_EQ(run("--version").out, std::string("rlhf-report ") + kVersion + "\n");
}

TEST_F(ReportTool, RefusesInOneLine) {
  const std::tuple<const char*, int, const char*> cases[] = {
      {"", 2, "error: command line: expected at least one run folder, found none; hint: rlhf-report runs/sft\n"},
      {"a --outptu x", 2, "error: command line: unknown flag --outptu; hint: --help lists all of them\n"},
      {"a nothing", 3,
       "error: nothing: expected a run folder (run.json or metrics.jsonl), found nothing; hint: the folder of a run is "
       "its train.output\n"},
      {"a/run.json", 3,
       "error: a/run.json: expected a run folder (run.json or metrics.jsonl), found a file; hint: the folder of a run "
       "is its train.output\n"},
  };
  for (const auto& [arguments, code, message] : cases) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments;
    EXPECT_EQ(result.err, message);
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(run("a --output /no/such/folder/page.html").exit_code, 10);
}

}  // namespace
}  // namespace rlhf
