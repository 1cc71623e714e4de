#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rlhf {

/// How much memory there is, in bytes, and what sets this limit ("memory.max of the cgroup").
struct MemoryLimit {
  std::int64_t bytes = 0;
  std::string source;
};

/// How much memory this process can have in all, what it has now included: the least of what the machine has available
/// (MemAvailable) and what the limits of its cgroups (memory.max of version 2 and memory.limit_in_bytes of version 1,
/// of the process's cgroup and those above it) and of its addresses (ulimit -v) leave. Page cache counts as available.
/// `root` is the root of the file system, for tests.
MemoryLimit available_memory(const std::filesystem::path& root = "/");

/// The memory that is installed, or the least of these limits if that is less. It does not depend on
/// what other processes use.
std::int64_t installed_memory(const std::filesystem::path& root = "/");

/// The peak of this process's resident memory so far, in bytes (VmHWM).
std::int64_t peak_resident_memory();

/// "1.9 GiB" or "410.2 MiB".
std::string binary_size(std::int64_t bytes);

}  // namespace rlhf
