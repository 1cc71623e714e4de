#pragma once

#include <sstream>
#include <string_view>

#include "rlhf/core/error.h"

namespace rlhf {

/// Throws ArgumentError "name: expected …, found …" unless `holds`: the check of an argument of a public function. The
/// message is built only if it is thrown, so a check costs one comparison.
template <typename Found>
void check_argument(bool holds, std::string_view name, std::string_view expected, const Found& found) {
  if (holds) [[likely]]
    return;
  std::ostringstream message;
  message << name << ": expected " << expected << ", found " << found;
  throw ArgumentError(message.str());
}

/// The same for a pointer that must not be null.
template <typename Pointer>
void check_given(const Pointer& pointer, std::string_view name, std::string_view expected) {
  check_argument(static_cast<bool>(pointer), name, expected, "none");
}

}  // namespace rlhf
