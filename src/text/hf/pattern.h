#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/json/json_reader.h"
#include "rlhf/text/regex.h"

namespace rlhf::hf {

/// Finds all matches in a text.
using Finder = std::function<void(std::string_view text, std::vector<TextRange>& found)>;

/// Translates a pattern from Oniguruma's syntax (Ruby, UTF-8), which tokenizer files use, to an equivalent one for
/// PCRE2. Throws std::invalid_argument naming the construct that has no equivalent.
std::string to_pcre2(std::string_view pattern);

Finder finder_of_regex(const Regex& regex);
Finder finder_of_text(const std::string& text);

/// Reads {"String": …} or {"Regex": …}.
Finder read_pattern(const JsonReader& node);

}  // namespace rlhf::hf
