// Characters of UTF-8 text, their classes, and GPT-2's byte alphabet.
#include "text/hf/characters.h"

#include <array>
#include <cctype>
#include <string>
#include <unordered_map>

#include <utf8proc.h>

#include "rlhf/core/utf8.h"

namespace rlhf::hf {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Bytes that are printable in Latin-1 map to themselves, the others to U+0100, U+0101, … in order.
std::array<char32_t, 256> letters() {
  std::array<char32_t, 256> codes{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    codes[byte] = printable ? byte : next++;
  }
  return codes;
}

std::array<std::string, 256> spelled_letters() {
  std::array<std::string, 256> spelled;
  const auto codes = letters();
  for (std::size_t byte = 0; byte < 256; ++byte) append_utf8(spelled[byte], codes[byte]);
  return spelled;
}

std::unordered_map<char32_t, char> bytes_by_letter() {
  std::unordered_map<char32_t, char> bytes;
  const auto codes = letters();
  for (std::size_t byte = 0; byte < 256; ++byte) bytes[codes[byte]] = static_cast<char>(byte);
  return bytes;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const auto bits = [&](std::size_t i, unsigned mask) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]) & mask);
  };
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {bits(0, 0x1F) << 6 | bits(1, 0x3F), 2};
  if (lead < 0xF0) return {bits(0, 0x0F) << 12 | bits(1, 0x3F) << 6 | bits(2, 0x3F), 3};
  return {bits(0, 0x07) << 18 | bits(1, 0x3F) << 12 | bits(2, 0x3F) << 6 | bits(3, 0x3F), 4};
}

std::size_t character_begin(std::string_view text, std::size_t at) {
  while (at > 0 && is_continuation(text[at])) --at;
  return at;
}

void append_utf8(std::string& text, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::size_t ill_formed_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t tails = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::size_t length = 1;
  while (length <= tails && at + length < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at + length]);
    if (byte < low || byte > high) break;
    low = 0x80, high = 0xBF;
    ++length;
  }
  return length;
}

std::string mended_utf8(std::string_view bytes) {
  std::string text;
  while (const auto bad = first_invalid_utf8(bytes)) {
    text.append(bytes.substr(0, *bad)).append(kReplacement);
    bytes.remove_prefix(*bad + ill_formed_length(bytes, *bad));
  }
  return text.append(bytes);
}

bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

bool is_numeric(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t code) {
  if (code < 0x80) return code > 0x20 && code < 0x7F && !std::isalnum(static_cast<int>(code));
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

std::string_view letter_of_byte(unsigned char byte) {
  static const auto kLetters = spelled_letters();
  return kLetters[byte];
}

std::string bytes_of_letters(std::string_view piece) {
  static const auto kBytes = bytes_by_letter();
  std::string bytes;
  for (std::size_t at = 0; at < piece.size();) {
    const Character character = character_at(piece, at);
    const auto found = kBytes.find(character.code);
    if (found == kBytes.end()) return std::string(piece);
    bytes += found->second;
    at += character.bytes;
  }
  return bytes;
}

}  // namespace rlhf::hf
