#include "rlhf/core/read_file.h"

#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "support/special_files.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

std::string refusal(const fs::path& path, std::uintmax_t max_bytes = 100) {
  try {
    read_file(path, ExitCode::model, max_bytes);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::model);
    return error.what();
  }
}

TEST(ReadFile, TakesRegularFilesUpToTheLimit) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(read_file(folder.write("a", "12345"), ExitCode::data, 5), "12345");
  fs::create_symlink(folder / "a", folder / "link");
  EXPECT_EQ(read_file(folder / "link", ExitCode::data, 5), "12345");
  EXPECT_EQ(refusal(folder / "a", 4), "reading " + (folder / "a").string() + ": expected at most 4 bytes, found 5");
  EXPECT_NE(read_file("/proc/self/stat", ExitCode::data, 1 << 20), "") << "a file that says it has 0 bytes";
  EXPECT_EQ(refusal("/proc/self/environ", 0), "reading /proc/self/environ: expected at most 0 bytes, found more");
}

TEST(ReadFile, RefusesEveryOtherKindWithoutWaiting) {
  const testing::TemporaryFolder folder;
  for (const testing::SpecialFile& special : testing::make_special_files(folder.path())) {
    const std::string found = refusal(special.path, 1 << 20);
    EXPECT_TRUE(found.starts_with("reading " + special.path.string() + ": ")) << found;
    EXPECT_NE(found.find(special.found), std::string::npos) << special.name << ": " << found;
  }
}

TEST(FileLines, CountsLinesAndBytes) {
  const testing::TemporaryFolder folder;
  FileLines lines(folder.write("a", "one\n\nthree"), ExitCode::data, 100);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "one");
  EXPECT_EQ(lines.offset(), 4u);
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "three");
  EXPECT_EQ(lines.number(), 3);
  EXPECT_FALSE(lines.has_newline());
  EXPECT_FALSE(lines.next(line));
}

TEST(FileLines, JoinsALineThatSpansBlocks) {
  const testing::TemporaryFolder folder;
  const std::string big(200000, 'x');
  FileLines lines(folder.write("a", big + "\nend\n"), ExitCode::data, kNoLimit);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_TRUE(line == big);
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "end");
  EXPECT_TRUE(lines.has_newline());
}

}  // namespace
}  // namespace rlhf
