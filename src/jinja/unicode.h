#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf::jinja {

using CodePoint = std::int32_t;

// All texts are well-formed UTF-8: sources and conversations are checked on entry, and no function here splits a
// character.

/// Returns the character at byte `at` and moves `at` after it.
CodePoint next_code_point(std::string_view text, std::size_t& at);
void append_code_point(std::string& text, CodePoint point);
/// The number of characters.
std::size_t length_of(std::string_view text);
/// The byte at which each character begins, and the size of the text.
std::vector<std::size_t> character_starts(std::string_view text);

// The rules of Python's str methods.
bool is_space(CodePoint point);
bool is_printable(CodePoint point);
bool is_alpha(CodePoint point);
bool is_decimal(CodePoint point);  ///< digits of any script
bool is_digit(CodePoint point);    ///< also superscripts and similar characters
bool is_numeric(CodePoint point);  ///< also fractions, Roman numerals and Han numerals
bool is_alnum(CodePoint point);
bool is_word(CodePoint point);  ///< \w of Python's re
/// The value of a decimal digit.
int decimal_value(CodePoint point);
/// Characters of identifiers (Unicode's XID_Start and `_`, XID_Continue).
bool starts_name(CodePoint point);
bool continues_name(CodePoint point);
bool is_identifier(std::string_view text);
bool is_upper(CodePoint point);
bool is_lower(CodePoint point);
bool is_title(CodePoint point);
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);        ///< str.title: every run of letters
std::string to_capitalized(std::string_view text);  ///< the first character in title case, the others in lower case
std::string to_swapped(std::string_view text);      ///< str.swapcase
std::string to_folded(std::string_view text);       ///< str.casefold
std::string first_upper(std::string_view text);     ///< the first character in upper case, the others in lower case

enum class Ends { left, right, both };
/// Removes white space, or the characters of `set`, at the ends.
std::string_view stripped(std::string_view text, Ends ends);
std::string_view stripped(std::string_view text, Ends ends, std::string_view set);

/// The offset of `part` at or after `from`, or npos. Takes linear time for every input.
std::size_t find_bytes(std::string_view text, std::string_view part, std::size_t from = 0);

}  // namespace rlhf::jinja
