#include "rlhf/core/log.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

#include "support/special_files.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

TEST(Log, GoesToStderrAndNotToStdout) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  log_info("step 1 with {braces} and 100%");
  log_debug("not this one");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("step 1 with {braces} and 100%\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("not this one"), std::string::npos);
}

TEST(Log, GoesToTheSinkOfTheProgramThatLinksUs) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel level, std::string_view line) {
    lines.push_back(std::to_string(static_cast<int>(level)) + std::string(line));
  });
  set_log_level(LogLevel::warning);
  log_info("left out");
  log_warning("kept");
  set_log_level(LogLevel::info);
  set_log_sink({});
  EXPECT_EQ(lines, std::vector<std::string>{"2kept"});
}

TEST(Log, IsAppendedToTheFileUntilItIsClosed) {
  const testing::TemporaryFolder folder;
  const fs::path file = folder.path() / "log.txt";
  write_file_atomically(file, "of the run before\n");
  set_log_sink([](LogLevel, std::string_view) {});
  log_to_file(file);
  log_info("inside");
  close_log_file();
  log_info("outside");
  set_log_sink({});
  const std::string text = read_file(file, ExitCode::bug);
  EXPECT_TRUE(text.starts_with("of the run before\n"));
  EXPECT_NE(text.find("info: inside\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("outside"), std::string::npos);
}

TEST(Log, RefusesAFileThatCannotBeOpened) {
  EXPECT_THROW(log_to_file("/proc/no/such/log.txt"), OutputError);
  const testing::TemporaryFolder folder;
  for (const testing::SpecialFile& special : testing::make_special_files(folder.path())) {
    const bool could_block = special.name == "FIFO" || special.name == "socket";
    if (could_block) {
      EXPECT_THROW(log_to_file(special.path), OutputError) << special.name;
    }
  }
}

}  // namespace
}  // namespace rlhf
