// Locks a run folder.
#include "rlhf/runs/run_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"

#include "runs/made_folders.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "unknown host";
}

[[noreturn]] void fail(const fs::path& folder, int error) {
  throw OutputError("writing " + folder.string() + ": " + std::strerror(error));
}

/// Device and inode of a folder; zeros if there is none.
std::pair<std::uint64_t, std::uint64_t> identity_of(const fs::path& folder) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

bool has_no_locks(int error) { return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL; }

struct Owner {
  std::string host;
  long process = 0;
};

/// The owner that a lock file names: "HOST PROCESS".
Owner owner_in(const fs::path& file) {
  constexpr std::uintmax_t kMaxBytes = 1024;
  try {
    const std::string text = read_file(file, ExitCode::output, kMaxBytes);
    const std::size_t space = text.rfind(' ');
    if (space == std::string::npos) return {};
    return {text.substr(0, space), std::strtol(text.c_str() + space, nullptr, 10)};
  } catch (const Error&) {
    return {};
  }
}

/// Whether the text can be that of a running process. That of a process that has died stays in the file until the next
/// owner writes its own.
bool can_run(const Owner& owner) {
  if (owner.process <= 0) return false;
  return owner.host != host_name() || ::kill(static_cast<pid_t>(owner.process), 0) == 0 || errno == EPERM;
}

/// The owner of a lock that another process holds. It may have taken the lock just now, before it wrote its name.
Owner current_owner(const fs::path& file) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const Owner owner = owner_in(file);
    if (can_run(owner)) return owner;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return owner_in(file);
}

}  // namespace

RunLock::RunLock(const RunFolder& folder) : folder_(folder.path()), file_(folder.lock()) {
  std::error_code ignored;
  if (fs::exists(folder_, ignored) && !fs::is_directory(folder_, ignored))
    throw ConfigError({"train.output: expected a folder, found the file " + folder_.string()});
  // A run that fails removes its lock file and its folder, perhaps while this one is about to lock them.
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const auto made = make_folders(folder_);
    made_.insert(made_.end(), made.begin(), made.end());
    if (!take()) continue;
    identity_ = identity_of(folder_);
    return;
  }
  fail(folder_, EBUSY);
}

/// Opens and locks the file. Returns false if it was removed meanwhile.
bool RunLock::take() {
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor_ < 0) {
    const int error = errno;
    if (error == ENOENT) return false;
    remove_if_empty(made_);
    fail(folder_, error);
  }
  int result = 0;
  do {
    result = ::flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  const int error = result == 0 ? 0 : errno;
  if (error != 0 && !has_no_locks(error)) {
    ::close(descriptor_);
    remove_if_empty(made_);
    if (error == EWOULDBLOCK) refuse();
    fail(folder_, error);
  }
  if (!is_current()) {
    ::close(descriptor_);
    return false;
  }
  if (error != 0)
    log_warning(folder_.string() + ": this file system has no locks (" + std::strerror(error) +
                "): start only one run in this folder");
  const std::string text = host_name() + " " + std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    log_debug("the lock file " + file_.string() + " does not name this process");
  return true;
}

/// Whether the path of the file still leads to the file that was opened.
bool RunLock::is_current() const {
  struct stat opened = {}, found = {};
  return ::fstat(descriptor_, &opened) == 0 && ::stat(file_.c_str(), &found) == 0 && opened.st_ino == found.st_ino &&
         opened.st_dev == found.st_dev;
}

void RunLock::refuse() const {
  const Owner owner = current_owner(file_);
  const std::string who =
      owner.process > 0 ? "process " + std::to_string(owner.process) + " on " + owner.host : "another process";
  throw ConfigError({"train.output: expected a folder that no other run writes, found " + folder_.string() +
                     " in use by " + who + "; hint: wait for that run or stop it, or choose another folder"});
}

RunLock::~RunLock() {
  if (is_current()) ::unlink(file_.c_str());
  ::close(descriptor_);
  remove_if_empty(made_);
}

void RunLock::check_folder() const {
  if (identity_of(folder_) == identity_) return;
  throw OutputError("writing " + folder_.string() +
                    ": expected the run folder, found that it was removed, moved or replaced during the run");
}

}  // namespace rlhf
