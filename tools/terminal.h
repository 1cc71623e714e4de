#pragma once

#include <iostream>
#include <string>
#include <unistd.h>

#include "rlhf/core/message.h"

namespace rlhf {

/// Whether `out` is stdout and stdout is a terminal.
inline bool is_terminal(const std::ostream& out) { return &out == &std::cout && isatty(STDOUT_FILENO) == 1; }

/// `text`, as terminal_text() if `out` is a terminal: for what a model or a file says.
inline std::string shown_on(const std::ostream& out, const std::string& text) {
  return is_terminal(out) ? terminal_text(text) : text;
}

}  // namespace rlhf
