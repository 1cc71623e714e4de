#include <cstdint>
#include <string>

#include "rlhf/data/samples.h"

namespace rlhf {

std::string DataReport::summary() const {
  std::string line = std::to_string(records) + " records -> " + std::to_string(samples) + " samples";
  if (samples > 0) {
    line += ", " + std::to_string(tokens) + " tokens";
    if (trained_tokens > 0) line += " (" + std::to_string(trained_tokens) + " trained)";
    line += ", longest " + std::to_string(longest);
  }
  const auto add = [&line](std::int64_t count, const char* what) {
    if (count > 0) line += "; " + std::to_string(count) + what;
  };
  add(dropped_over_length, " dropped as over-long");
  add(dropped_without_label, " dropped without a token to learn from");
  add(dropped_equal, " dropped as equal pairs");
  add(truncated, " truncated");
  add(straddling, " with a token across the seam");
  return line;
}

}  // namespace rlhf
