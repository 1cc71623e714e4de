#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rlhf {

/// Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF), or nullopt if the whole text is well formed.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// Cuts `text` to at most `limit` bytes, never inside a character, and appends "…" if anything was cut.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace rlhf
