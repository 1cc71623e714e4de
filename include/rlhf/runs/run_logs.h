#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "rlhf/runs/run_folder.h"

namespace rlhf {

/// Size and CRC-32 of the beginning of a file that only grows.
struct LogStamp {
  std::uint64_t bytes = 0;
  std::uint32_t crc32 = 0;
  bool operator==(const LogStamp&) const = default;
};

/// By path in the run folder: "metrics.jsonl".
using LogStamps = std::map<std::string, LogStamp>;

/// Stamps of the files that a run appends to: metrics.jsonl, samples.jsonl, event files. `known` are earlier stamps of
/// these files; only what comes after them is read. Throws OutputError.
LogStamps stamp_logs(const RunFolder& folder, const LogStamps& known);

/// Removes from these files what was written after the checkpoint of step `keep_until` (-1: all), which has `stamps` of
/// them. A file that does not begin as it did then (or that has no stamp) keeps its good lines and events of the steps
/// up to `keep_until`, and a warning says what was found. Throws OutputError.
void restore_logs(const RunFolder& folder, const LogStamps& stamps, std::int64_t keep_until);

}  // namespace rlhf
