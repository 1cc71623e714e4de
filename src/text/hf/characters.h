#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlhf::hf {

struct Character {
  char32_t code;
  std::uint32_t bytes;
};

/// The character that begins at byte `at` of well-formed UTF-8.
Character character_at(std::string_view text, std::size_t at);

/// The first byte of the character that contains byte `at` of well-formed UTF-8.
std::size_t character_begin(std::string_view text, std::size_t at);

void append_utf8(std::string& text, char32_t code);

/// Number of bytes of the ill-formed sequence at `at` that one U+FFFD replaces (Unicode 15, "substitution of maximal
/// subparts").
std::size_t ill_formed_length(std::string_view text, std::size_t at);

/// `bytes` with U+FFFD in place of ill-formed sequences.
std::string mended_utf8(std::string_view bytes);

bool is_white_space(char32_t code);  ///< Unicode's White_Space
bool is_numeric(char32_t code);      ///< categories Nd, Nl, No
bool is_punctuation(char32_t code);  ///< categories P*, and the ASCII signs

/// The character of GPT-2's byte alphabet for a byte, as UTF-8.
std::string_view letter_of_byte(unsigned char byte);
/// The bytes of a piece in that alphabet, or the piece itself if it has a character that is not in the alphabet.
std::string bytes_of_letters(std::string_view piece);

}  // namespace rlhf::hf
