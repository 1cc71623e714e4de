#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rlhf {

/// 75 → "seventy-five", 198 → "one hundred and ninety-eight". `number`: 0 to 999.
std::string in_words(std::int64_t number);

/// The last number that a text says in English words, 0 to 999; nullopt if there is none.
std::optional<std::int64_t> last_number_in_words(std::string_view text);
/// The value of a text that is one such number and nothing else.
std::optional<std::int64_t> as_number_in_words(std::string_view text);

}  // namespace rlhf
