#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include "rlhf/runs/run_folder.h"

namespace rlhf {

/// The right to write a run folder. Exclusive among processes and within a process: the file `.lock` of the folder is
/// locked with flock(2), which ends with the process, so a lock whose owner was killed does not stand in the way. The
/// text of the file is the host and the process id of the owner, for the message to others.
class RunLock {
 public:
  /// Creates the folder if it does not exist, and locks it. Throws ConfigError (exit 2), with host and process, if
  /// another run has it or if its path is a file, and OutputError if it cannot be written. On a file system without
  /// locks it logs a warning instead.
  explicit RunLock(const RunFolder& folder);
  /// Removes the lock file, then those folders that the constructor created, if they are empty.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Throws OutputError unless the folder is still at its path: not removed, moved away or replaced.
  void check_folder() const;

 private:
  bool take();
  bool is_current() const;
  [[noreturn]] void refuse() const;

  std::filesystem::path folder_, file_;
  std::pair<std::uint64_t, std::uint64_t> identity_;  ///< of the folder: device and inode
  std::vector<std::filesystem::path> made_;           ///< folders that were created, outermost first
  int descriptor_ = -1;
};

}  // namespace rlhf
