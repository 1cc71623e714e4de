#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Adjacent segments of equal length, whose rows are a dense [count,length,…] block of the packed batch.
struct EqualRun {
  std::int64_t first;   ///< index of the first segment
  std::int64_t count;   ///< number of segments
  std::int64_t length;  ///< tokens per segment
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
