#include "rlhf/core/atomic_file.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public ::testing::Test {
 protected:
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  const testing::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

void write_plainly(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Lets no file of this process grow over `bytes`: writes fail as on a full disk. Undone when it goes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

std::string message_of(const std::function<void()>& call, ExitCode code) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), code);
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST_F(AtomicFile, IsReplacedAsAWhole) {
  const std::string bytes("a\0b\n", 4);
  write_file_atomically(folder_ / "x", "something that was longer");
  write_file_atomically(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x", ExitCode::data), bytes);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, KeepsTheOldContentWhenTheDiskIsFull) {
  write_file_atomically(folder_ / "x", "old");
  const FileSizeLimit limit(1000);
  const std::string message =
      message_of([&] { write_file_atomically(folder_ / "x", std::string(5000, 'n')); }, ExitCode::output);
  EXPECT_EQ(message, "writing " + (folder_ / "x").string() + ": File too large");
  EXPECT_EQ(read_file(folder_ / "x", ExitCode::data), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, NamesAFolderThatIsMissing) {
  const fs::path path = folder_ / "missing" / "x";
  EXPECT_EQ(message_of([&] { write_file_atomically(path, "n"); }, ExitCode::output),
            "writing " + path.string() + ": No such file or directory");
}

TEST_F(AtomicFile, NamesAFolderThatIsReadOnly) {
  constexpr uid_t kNobody = 65534;  // root may write everywhere, so it steps aside for this test
  const bool is_root = geteuid() == 0;
  fs::permissions(folder_, static_cast<fs::perms>(0555));
  ASSERT_TRUE(!is_root || seteuid(kNobody) == 0);
  const std::string message = message_of([&] { write_file_atomically(folder_ / "x", "n"); }, ExitCode::output);
  ASSERT_TRUE(!is_root || seteuid(0) == 0);
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_EQ(message, "writing " + (folder_ / "x").string() + ": Permission denied");
  EXPECT_EQ(entries(), 0u);
}

// A file system that nobody may write, root included.
TEST_F(AtomicFile, NamesAFileSystemThatTakesNothing) {
  EXPECT_TRUE(
      message_of([] { write_file_atomically("/proc/x", "n"); }, ExitCode::output).starts_with("writing /proc/x: "));
  EXPECT_TRUE(message_of([] { write_folder_atomically("/proc/x", [](const fs::path&) {}); }, ExitCode::output)
                  .starts_with("writing /proc/x: "));
}

TEST_F(AtomicFile, MadeGraduallyTakesItsNameWhenItIsWhole) {
  const fs::path target = folder_ / "x", partial = folder_ / "x.partial";
  write_plainly(target, "old");
  write_file_gradually(target, [&](std::ostream& out) {
    out << "new" << std::flush;
    EXPECT_EQ(read_file(partial, ExitCode::data), "new");  // may be followed
    EXPECT_EQ(read_file(target, ExitCode::data), "old");
  });
  EXPECT_EQ(read_file(target, ExitCode::data), "new");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, MadeGraduallyKeepsWhatCameBeforeAFailure) {
  const auto failing = [](std::ostream& out) {
    out << "half";
    throw OutputError("interrupted");
  };
  EXPECT_EQ(message_of([&] { write_file_gradually(folder_ / "x", failing); }, ExitCode::output), "interrupted");
  EXPECT_EQ(read_file(folder_ / "x.partial", ExitCode::data), "half");
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(AtomicFile, MadeGraduallyIsRefusedBeforeTheWorkBegins) {
  const auto never = [](std::ostream&) { ADD_FAILURE() << "began"; };
  const fs::path missing = folder_ / "missing" / "x";
  EXPECT_EQ(message_of([&] { write_file_gradually(missing, never); }, ExitCode::output),
            "writing " + missing.string() + ": No such file or directory");
  EXPECT_EQ(message_of([&] { write_file_gradually(folder_, never); }, ExitCode::output),
            "writing " + folder_.string() + ": Is a directory");
}

// /dev/stdout is such a link where the output goes into a pipe.
TEST_F(AtomicFile, APipeBehindALinkIsWrittenAsItIs) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const fs::path link = "/proc/self/fd/" + std::to_string(ends[1]);
  write_file_atomically(link, "one ");
  write_file_gradually(link, [](std::ostream& out) { out << "two"; });
  char read_back[8] = {};
  EXPECT_EQ(read(ends[0], read_back, sizeof read_back), 7);
  EXPECT_STREQ(read_back, "one two");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(AtomicFile, FolderIsReplacedAsAWhole) {
  const fs::path target = folder_ / "step";
  write_folder_atomically(target, [](const fs::path& folder) { write_plainly(folder / "old", "1"); });
  write_folder_atomically(target, [&](const fs::path& folder) {
    EXPECT_TRUE(fs::exists(target / "old"));  // still whole while the new one is filled
    fs::create_directory(folder / "inner");
    write_plainly(folder / "inner" / "new", "2");
  });
  EXPECT_FALSE(fs::exists(target / "old"));
  EXPECT_EQ(read_file(target / "inner" / "new", ExitCode::data), "2");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, FolderStaysAsItWasWhenFillingFails) {
  const fs::path target = folder_ / "step";
  write_folder_atomically(target, [](const fs::path& folder) { write_plainly(folder / "old", "1"); });
  const auto failing = [](const fs::path& folder) {
    write_plainly(folder / "half", "2");
    throw OutputError("no space");
  };
  EXPECT_EQ(message_of([&] { write_folder_atomically(target, failing); }, ExitCode::output), "no space");
  EXPECT_TRUE(fs::exists(target / "old"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, FolderOverwritesWhatAKilledProcessLeft) {
  fs::create_directories(folder_ / ".step.partial" / "stale");
  write_folder_atomically(folder_ / "step", [](const fs::path& folder) { write_plainly(folder / "new", "2"); });
  EXPECT_FALSE(fs::exists(folder_ / "step" / "stale"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(AtomicFile, AFifoThatNobodyReadsIsAnErrorAndNoWait) {
  const fs::path fifo = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { write_file_atomically(fifo, "x"); }, ExitCode::output),
            "writing " + fifo.string() + ": No such device or address");
}

TEST_F(AtomicFile, ReadingTellsWhatIsMissingWithTheCodeAskedFor) {
  const fs::path path = folder_ / "none";
  EXPECT_EQ(message_of([&] { read_file(path, ExitCode::model); }, ExitCode::model),
            "reading " + path.string() + ": No such file or directory");
  EXPECT_EQ(message_of([&] { read_file(folder_, ExitCode::data); }, ExitCode::data),
            "reading " + folder_.string() + ": expected a regular file, found a folder");
}

}  // namespace
}  // namespace rlhf
