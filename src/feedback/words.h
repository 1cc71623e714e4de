#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// The words of a text in ASCII lower case, without punctuation. Letters, digits, bytes of other characters and
/// apostrophes inside (’ counts as ') form words; so do numbers like -3.5 and 1,000.
std::vector<std::string> words_of(std::string_view text);

/// Whether `phrase` stands in `words` at `at`.
bool stands_at(const std::vector<std::string>& words, std::size_t at, const std::vector<std::string>& phrase);

}  // namespace rlhf
