// Splits a text into words.
#include "feedback/words.h"

#include <algorithm>

namespace rlhf {
namespace {

constexpr std::string_view kCurlyApostrophe = "\u2019";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }

/// ASCII lower case, ’ as '.
std::string plain(std::string_view text) {
  std::string found;
  found.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, kCurlyApostrophe.size()) == kCurlyApostrophe) {
      found += '\'';
      i += kCurlyApostrophe.size() - 1;
    } else {
      found += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    }
  }
  return found;
}

/// Whether the character at `i` belongs to a word although it is punctuation: in "don't", "3.5", "1,000", "-3".
bool joins(std::string_view text, std::size_t i) {
  const char before = i > 0 ? text[i - 1] : ' ', after = i + 1 < text.size() ? text[i + 1] : ' ';
  switch (text[i]) {
    case '\'':
      return is_letter(before) && is_letter(after);
    case '.':
    case ',':
      return is_digit(before) && is_digit(after);
    case '-':
      return !is_word(before) && before != ')' && is_digit(after);
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  const std::string lower = plain(text);
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const bool part = is_word(lower[i]) || joins(lower, i);
    if (part && !inside) words.emplace_back();
    if (part) words.back() += lower[i];
    inside = part;
  }
  return words;
}

bool stands_at(const std::vector<std::string>& words, std::size_t at, const std::vector<std::string>& phrase) {
  return at + phrase.size() <= words.size() && std::equal(phrase.begin(), phrase.end(), words.begin() + at);
}

}  // namespace rlhf
