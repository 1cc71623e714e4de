#include "rlhf/runs/run_lock.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <sys/wait.h>
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

/// A process that calls `body(report)` and stays until it is ended; report(text) sends a text to the parent.
class OtherProcess {
 public:
  template <typename Body>
  explicit OtherProcess(Body&& body) {
    if (::pipe(to_parent_.data()) != 0 || ::pipe(to_child_.data()) != 0) std::abort();
    id_ = ::fork();
    if (id_ != 0) {
      ::close(to_parent_[1]);
      ::close(to_child_[0]);
      return;
    }
    ::close(to_parent_[0]);
    ::close(to_child_[1]);
    body([&](const std::string& text) { [[maybe_unused]] auto n = ::write(to_parent_[1], text.data(), text.size()); },
         [&] {
           char byte = 0;
           [[maybe_unused]] auto n = ::read(to_child_[0], &byte, 1);
         });
    ::_exit(0);
  }
  ~OtherProcess() {
    if (id_ > 0) end(SIGKILL);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  /// The next text; "" if the process has ended.
  std::string hear() const {
    char text[4096];
    const ssize_t count = ::read(to_parent_[0], text, sizeof text);
    return {text, static_cast<std::size_t>(count > 0 ? count : 0)};
  }
  void go_on() const { [[maybe_unused]] auto n = ::write(to_child_[1], "x", 1); }
  void end(int signal) {
    ::kill(id_, signal);
    join();
  }
  void join() {
    ::waitpid(id_, nullptr, 0);
    id_ = -1;
    ::close(to_parent_[0]);
    ::close(to_child_[1]);
  }
  pid_t id() const { return id_; }

 private:
  std::array<int, 2> to_parent_{}, to_child_{};
  pid_t id_ = -1;
};

std::string refusal(const RunFolder& folder) {
  try {
    const RunLock lock(folder);
    return "locked";
  } catch (const ConfigError& error) {
    return error.what();
  } catch (const Error& error) {
    return "another class: " + std::string(error.what());
  }
}

std::string host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

TEST(RunLock, IsRefusedToOthersWithHostAndProcess) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "a/run");
  OtherProcess owner([&](const auto& report, const auto& wait) {
    const RunLock lock(run);
    report("locked");
    wait();
  });
  ASSERT_EQ(owner.hear(), "locked");
  EXPECT_EQ(refusal(run), "train.output: expected a folder that no other run writes, found " + run.path().string() +
                              " in use by process " + std::to_string(owner.id()) + " on " + host() +
                              "; hint: wait for that run or stop it, or choose another folder");
  owner.go_on();
  owner.join();
  EXPECT_FALSE(fs::exists(run.path())) << "the owner removes the folder that it created";
  EXPECT_EQ(refusal(run), "locked");
}

TEST(RunLock, IsExclusiveWithinAProcess) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path());
  std::optional<RunLock> lock(std::in_place, run);
  EXPECT_NE(refusal(run).find("in use by process " + std::to_string(::getpid())), std::string::npos);
  lock.reset();
  EXPECT_EQ(refusal(run), "locked");
}

TEST(RunLock, OfAProcessThatWasKilledDoesNotStandInTheWay) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path());
  OtherProcess owner([&](const auto& report, const auto& wait) {
    const RunLock lock(run);
    report("locked");
    wait();
  });
  ASSERT_EQ(owner.hear(), "locked");
  const std::string stale = file_bytes(run.lock());
  EXPECT_EQ(stale, host() + " " + std::to_string(owner.id()) + "\n");
  owner.end(SIGKILL);
  EXPECT_TRUE(fs::exists(run.lock())) << "the file is still there";
  const RunLock lock(run);
  EXPECT_EQ(file_bytes(run.lock()), host() + " " + std::to_string(::getpid()) + "\n");
}

TEST(RunLock, LeavesNothingAndRemovesOnlyWhatItMade) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "a/b/run");
  { const RunLock lock(run); }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  fs::create_directories(folder / "a/b");
  { const RunLock lock(run); }
  EXPECT_TRUE(fs::is_empty(folder / "a/b")) << "was there before";
  {
    const RunLock lock(run);
    folder.write("a/b/run/run.json", "{}");
  }
  EXPECT_TRUE(fs::exists(folder / "a/b/run/run.json"));
  EXPECT_FALSE(fs::exists(run.lock()));
}

TEST(RunLock, OfAPathThatCannotBeAFolderIsRefused) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_EQ(refusal(RunFolder(folder / "file")),
            "train.output: expected a folder, found the file " + (folder / "file").string());
  EXPECT_EQ(refusal(RunFolder(folder / "file/run")),
            "another class: writing " + (folder / "file/run").string() + ": Not a directory");
}

TEST(RunLock, SeesThatTheFolderIsGone) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "run");
  const RunLock lock(run);
  EXPECT_NO_THROW(lock.check_folder());
  fs::rename(run.path(), folder / "moved");
  EXPECT_THROW(lock.check_folder(), OutputError);
  fs::create_directory(run.path());
  EXPECT_THROW(lock.check_folder(), OutputError) << "another folder";
}

// Both start at the same moment: each waits for its pipe.
TEST(RunLock, OfTwoProcessesThatStartTogetherExactlyOneHasIt) {
  constexpr int kTrials = 50;
  const TemporaryFolder folder;
  const RunFolder run(folder / "new/run");
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto start = [&](const auto& report, const auto& wait) {
      wait();
      try {
        const RunLock lock(run);
        std::ofstream(run.path() / "owner") << ::getpid();
        report("locked");
        wait();
        fs::remove(run.path() / "owner");
      } catch (const ConfigError& error) {
        report(error.what());
      }
    };
    OtherProcess first(start), second(start);
    first.go_on();
    second.go_on();
    const std::string heard[] = {first.hear(), second.hear()};
    const bool first_has_it = heard[0] == "locked";
    ASSERT_NE(first_has_it, heard[1] == "locked") << heard[0] << " / " << heard[1];
    OtherProcess& owner = first_has_it ? first : second;
    EXPECT_NE(heard[first_has_it ? 1 : 0].find("in use by process " + std::to_string(owner.id()) + " on " + host()),
              std::string::npos)
        << heard[first_has_it ? 1 : 0];
    EXPECT_EQ(file_bytes(run.path() / "owner"), std::to_string(owner.id())) << "the loser touched nothing";
    owner.go_on();
    first.join();
    second.join();
    ASSERT_TRUE(run.empty());
    fs::remove_all(folder / "new");
  }
}

}  // namespace
}  // namespace rlhf
