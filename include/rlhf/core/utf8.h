#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rlhf {

/// Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF), or nullopt if the whole text is well formed.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Length in bytes of the well-formed sequence that begins at `at` (below text.size()), or 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);

/// Cuts `text`, never inside a character, and appends "…" if anything was cut. The result has at most `limit` bytes
/// (at least 3), with the "…".
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace rlhf
