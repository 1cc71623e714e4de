#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/machine.h"

namespace rlhf::jinja {

struct WrapStyle {
  std::int64_t width = 79;
  bool break_long_words = true, break_on_hyphens = true;
};

/// The lines that Python's textwrap.wrap makes of one line (expand_tabs and replace_whitespace off).
std::vector<std::string> wrapped(Machine& machine, std::string_view line, const WrapStyle& style);

}  // namespace rlhf::jinja
