#include "rlhf/runs/run_folder.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "support/file_bytes.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::file_bytes;
using testing::TemporaryFolder;

// While it lives, no file can grow beyond some bytes: a disk that runs full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t room) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit little{room, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &little);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(RunFolder, IsCreatedWithConfigRunAndLog) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "runs/sft");
  EXPECT_TRUE(run.empty());
  EXPECT_FALSE(run.finished());
  run.create("a: 1\n", "{}", false);
  close_log_file();
  EXPECT_EQ(file_bytes(run.path() / "config.yaml"), "a: 1\n");
  EXPECT_EQ(file_bytes(run.path() / "run.json"), "{}");
  EXPECT_TRUE(fs::exists(run.path() / "log.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(run.path()), {}), 3);
  EXPECT_FALSE(run.empty());
  fs::create_directory(run.final_model());
  EXPECT_TRUE(run.finished());
}

TEST(RunFolder, ThatHoldsAnythingIsAConfigErrorWithoutResume) {
  const TemporaryFolder folder;
  folder.write("run/notes.txt", "mine");
  const RunFolder run(folder / "run");
  try {
    run.create("a: 1\n", "{}", false);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    EXPECT_EQ(error.issues(),
              (std::vector<std::string>{"train.output: expected an empty or absent folder, found files in " +
                                        run.path().string() + "; hint: add --resume to continue that run"}));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(run.path()), {}), 1) << "nothing is written";
  run.create("a: 2\n", "{}", true);
  close_log_file();
  EXPECT_EQ(file_bytes(run.path() / "config.yaml"), "a: 2\n");
  EXPECT_EQ(file_bytes(run.path() / "notes.txt"), "mine");
}

TEST(RunFolder, WithWhatAKilledStartLeavesIsEmpty) {
  const TemporaryFolder folder;
  folder.write("run/.lock", "host 1\n");
  folder.write("run/.run.json.partial", "{");
  EXPECT_TRUE(RunFolder(folder / "run").empty());
  folder.write("run/x", "");
  EXPECT_FALSE(RunFolder(folder / "run").empty());
}

TEST(RunFolder, ThatIsAFileIsAConfigError) {
  const TemporaryFolder folder;
  const RunFolder run(folder.write("run", "x"));
  EXPECT_THROW(run.create("", "", false), ConfigError);
  EXPECT_THROW(run.create("", "", true), ConfigError);
}

TEST(RunFolder, BelowAFileIsAnOutputError) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  try {
    RunFolder(folder / "file/run").create("", "", false);
    FAIL() << "accepted";
  } catch (const OutputError& error) {
    EXPECT_EQ(error.what(), "writing " + (folder / "file/run").string() + ": Not a directory");
  }
}

TEST(RunFolder, OnAFullDiskIsAnOutputErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "empty");
  {
    const FullDisk full(8);  // bytes: config.yaml fits, run.json does not
    const std::string run_json(100, ' ');
    EXPECT_THROW(RunFolder(folder / "new/run").create("a: 1\n", run_json, false), OutputError);
    EXPECT_THROW(RunFolder(folder / "empty").create("a: 1\n", run_json, false), OutputError);
  }
  EXPECT_FALSE(fs::exists(folder / "new"));
  EXPECT_TRUE(fs::is_empty(folder / "empty"));
}

/// Root may write everywhere, so root is another user meanwhile.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : was_root_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (was_root_) changed_ = ::seteuid(kNobody) == 0;
  }
  ~WithoutPrivileges() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  bool holds() const { return !was_root_ || changed_; }

 private:
  bool was_root_, changed_ = false;
};

TEST(RunFolder, WithoutPermissionIsAnOutputError) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "locked");
  const fs::perms readable =
      fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(folder / "locked", readable);
  fs::permissions(folder.path(), readable | fs::perms::owner_write);
  const WithoutPrivileges unprivileged;
  if (!unprivileged.holds()) GTEST_SKIP() << "root may write everywhere, and may not become another user here";
  EXPECT_THROW(RunFolder(folder / "locked/run").create("", "", false), OutputError);
  EXPECT_THROW(RunFolder(folder / "locked").create("", "", false), OutputError);
}

}  // namespace
}  // namespace rlhf
