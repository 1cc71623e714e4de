#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rlhf {

/// Offset of the first byte that does not belong to well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF); nothing if all of it is well formed.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

/// `text` cut to at most `limit` bytes, never inside a character, with "…" where something was left out.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace rlhf
