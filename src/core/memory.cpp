// Reads how much memory the system gives to this process.
#include "rlhf/core/memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <optional>
#include <vector>

#include "rlhf/core/check.h"
#include "rlhf/core/process_memory.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;  // version 1 writes such a number for "no limit"

/// The number after `key` in a file of lines "key: number" or "key number".
std::optional<std::int64_t> number_after(const fs::path& file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key) || line.size() == key.size()) continue;
    const char next = line[key.size()];
    if (next != ':' && next != ' ') continue;
    return std::strtoll(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return std::nullopt;
}

/// The number that a file consists of; nullopt for "max".
std::optional<std::int64_t> number_in(const fs::path& file) {
  std::ifstream stream(file);
  std::int64_t value = 0;
  if (!(stream >> value) || value >= kUnlimited) return std::nullopt;
  return value;
}

std::int64_t bytes_after(const fs::path& file, const std::string& key) {
  return number_after(file, key).value_or(0) * 1024;  // the files of /proc count in KiB
}

/// One version of the interface of cgroups.
struct CgroupVersion {
  fs::path mount;
  const char* limit;
  const char* usage;
  const char* cache;  ///< the key of memory.stat for page cache that can be dropped
};

/// The path of the process's cgroup below the mount: after "0::" (version 2), or after ":memory:".
std::string cgroup_path(const fs::path& root, const std::string& controller) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (names == "," + controller + "," || (!controller.empty() && names.find("," + controller + ",") != names.npos))
      return line.substr(second + 1);
  }
  return "";
}

/// The folders of the process's cgroup and of those above it, up to the mount.
std::vector<fs::path> folders_of(const CgroupVersion& version, const std::string& path) {
  std::vector<fs::path> folders = {version.mount};
  for (const fs::path& part : fs::path(path).relative_path()) folders.push_back(folders.back() / part);
  return folders;
}

/// A limit of the process.
struct UsedLimit {
  std::int64_t bytes;
  std::int64_t used;  ///< without page cache that can be dropped
  std::string source;
};

std::vector<UsedLimit> limits_of_process(const fs::path& root) {
  const CgroupVersion second = {root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
  const CgroupVersion first = {root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file"};
  std::vector<UsedLimit> limits;
  const auto add = [&](const CgroupVersion& version, const std::string& path) {
    for (const fs::path& folder : folders_of(version, path)) {
      const auto limit = number_in(folder / version.limit);
      if (!limit) continue;
      const std::int64_t used = number_in(folder / version.usage).value_or(0) -
                                number_after(folder / "memory.stat", version.cache).value_or(0);
      limits.push_back({*limit, std::max<std::int64_t>(0, used), std::string(version.limit) + " of the cgroup"});
    }
  };
  add(second, cgroup_path(root, ""));
  add(first, cgroup_path(root, "memory"));
  const std::int64_t addresses = number_after(root / "proc/self/limits", "Max address space").value_or(0);
  if (addresses > 0)  // "unlimited" is no number
    limits.push_back({addresses, bytes_after(root / "proc/self/status", "VmSize"), "ulimit -v"});
  return limits;
}

}  // namespace

MemoryLimit available_memory(const fs::path& root) {
  const std::int64_t own = bytes_after(root / "proc/self/status", "RssAnon");
  MemoryLimit least{bytes_after(root / "proc/meminfo", "MemAvailable") + own, "MemAvailable of the machine"};
  for (const UsedLimit& limit : limits_of_process(root)) {
    const std::int64_t left = std::min(limit.bytes, limit.bytes - limit.used + own);
    if (left < least.bytes) least = {left, limit.source};
  }
  return {std::max<std::int64_t>(0, least.bytes), least.source};
}

std::int64_t installed_memory(const fs::path& root) {
  std::int64_t bytes = bytes_after(root / "proc/meminfo", "MemTotal");
  for (const UsedLimit& limit : limits_of_process(root)) bytes = std::min(bytes, limit.bytes);
  return bytes;
}

std::int64_t peak_resident_memory() {
  const std::int64_t bytes = bytes_after("/proc/self/status", "VmHWM");
  RLHF_CHECK(bytes > 0, "/proc/self/status has no VmHWM");
  return bytes;
}

std::int64_t resident_memory() { return bytes_after("/proc/self/status", "VmRSS"); }

void return_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

std::string binary_size(std::int64_t bytes) {
  const bool large = bytes >= (std::int64_t{1} << 30);
  const double unit = static_cast<double>(large ? std::int64_t{1} << 30 : std::int64_t{1} << 20);
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", static_cast<double>(bytes) / unit, large ? "GiB" : "MiB");
  return text;
}

}  // namespace rlhf
