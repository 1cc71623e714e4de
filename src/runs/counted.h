#pragma once

#include <cstdint>
#include <string>

namespace rlhf {

/// "1 line", "2 lines".
inline std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace rlhf
