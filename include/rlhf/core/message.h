#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rlhf {

/// Longest message in bytes, after escapes.
inline constexpr std::size_t kMaxMessageBytes = 500;

/// Text for a terminal. Writes the following as escapes: control characters (U+0000 to U+001F, U+007F to U+009F), line
/// and paragraph separators (U+2028, U+2029), characters that change the direction of the text (U+202A to U+202E,
/// U+2066 to U+2069) and bytes that are not UTF-8: `\n`, `\r`, `\t`, `\x1b`, `\u202e`. Newline and tab are kept.
std::string terminal_text(std::string_view text);

/// The same on one line: newline and tab are escaped too.
std::string one_line(std::string_view text);

/// An error or a line of the log: one_line(text), at most kMaxMessageBytes long. A longer text loses its middle, not
/// its end, because a hint stands at the end.
std::string message_line(std::string_view text);

}  // namespace rlhf
