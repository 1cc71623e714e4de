#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Neighbouring segments of one length: their rows form a dense [count, length, …] block of the packed batch.
struct EqualRun {
  std::int64_t first;   ///< index of the first segment
  std::int64_t count;   ///< segments
  std::int64_t length;  ///< tokens of each
};

inline std::vector<EqualRun> equal_length_runs(const Segments& segments) {
  std::vector<EqualRun> runs;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    const std::int64_t length = segments.length(i);
    if (runs.empty() || runs.back().length != length) runs.push_back({i, 0, length});
    ++runs.back().count;
  }
  return runs;
}

}  // namespace rlhf
