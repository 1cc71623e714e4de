#pragma once

#include <algorithm>
#include <vector>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/comparisons.h"

namespace rlhf {

inline void check_comparisons(const std::vector<Comparison>& comparisons) {
  for (const auto& [better, worse] : comparisons) {
    check_argument(better >= 0 && worse >= 0, "comparisons", "completions numbered from 0", std::min(better, worse));
    check_argument(better != worse, "comparisons", "two different completions", better);
  }
}

}  // namespace rlhf
