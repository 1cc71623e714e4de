// The files that a run appends to, as they were at a checkpoint.
#include "rlhf/runs/run_logs.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include <zlib.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"
#include "rlhf/runs/metrics.h"

#include "runs/event_file.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

/// The stamp of the first `bytes` bytes of a file, or of all of it if it is shorter. Reads what comes after `known`.
LogStamp stamp_of(const fs::path& path, std::uint64_t bytes, LogStamp known = {}) {
  constexpr std::size_t kBlock = std::size_t{256} << 10;
  RegularFile file(path, ExitCode::output);
  file.seek(known.bytes);
  std::vector<char> block(kBlock);
  LogStamp stamp = known;
  while (stamp.bytes < bytes) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes - stamp.bytes, kBlock));
    const std::size_t count = file.read(block.data(), wanted);
    if (count == 0) break;
    stamp.crc32 = static_cast<std::uint32_t>(
        crc32(stamp.crc32, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(count)));
    stamp.bytes += count;
  }
  return stamp;
}

std::vector<fs::path> logs_of(const RunFolder& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::path& file : {folder.metrics(), folder.samples()})
    if (fs::exists(file, ignored)) files.push_back(file);
  for (fs::path& file : event_files(folder.tensorboard())) files.push_back(std::move(file));
  return files;
}

std::string name_of(const fs::path& file, const RunFolder& folder) {
  return file.lexically_relative(folder.path()).generic_string();
}

void cut(const fs::path& file, std::uint64_t bytes) {
  std::error_code error;
  fs::resize_file(file, bytes, error);
  if (error) throw OutputError("writing " + file.string() + ": " + error.message());
}

}  // namespace

LogStamps stamp_logs(const RunFolder& folder, const LogStamps& known) {
  return with_file_errors(ExitCode::output, [&] {
    LogStamps stamps;
    for (const fs::path& file : logs_of(folder)) {
      const std::string name = name_of(file, folder);
      const auto before = known.find(name);
      stamps[name] = stamp_of(file, UINT64_MAX, before == known.end() ? LogStamp{} : before->second);
    }
    return stamps;
  });
}

void restore_logs(const RunFolder& folder, const LogStamps& stamps, std::int64_t keep_until) {
  LogStamps missing = stamps;
  const auto warn = [&](const fs::path& file, const std::string& found) {
    log_warning(file.string() + ": expected the file as it was at the checkpoint of step " +
                std::to_string(keep_until) + ", found " + found);
  };
  const auto restore = [&](const fs::path& file) {
    const std::string name = name_of(file, folder);
    const auto stamp = stamps.find(name);
    missing.erase(name);
    if (stamp != stamps.end()) {
      const LogStamp found = stamp_of(file, stamp->second.bytes);
      if (found == stamp->second) return cut(file, found.bytes);
      warn(file, (found.bytes < stamp->second.bytes ? "a shorter one" : "other content") +
                     std::string("; keeping what can be read of the steps up to there"));
    }
    if (file.extension() == ".jsonl") return cut_jsonl_after(file, keep_until);
    cut_event_file(file, keep_until);
  };
  with_file_errors(ExitCode::output, [&] {
    for (const fs::path& file : logs_of(folder)) restore(file);
  });
  for (const auto& [name, stamp] : missing) warn(folder.path() / name, "no such file");
}

}  // namespace rlhf
