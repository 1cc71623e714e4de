// Reads number and string literals.
#include "jinja/literals.h"

#include <charconv>
#include <cstdlib>
#include <system_error>

#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

int digit_of(char c, int base) {
  int value = 99;
  if (c >= '0' && c <= '9') value = c - '0';
  if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
  if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
  return value < base ? value : -1;
}

// The number of bytes of a run of digits with single underscores between them.
std::size_t digits_at(std::string_view text, std::size_t at, int base) {
  const std::size_t begin = at;
  const auto digit = [&](std::size_t i) { return i < text.size() && digit_of(text[i], base) >= 0; };
  while (digit(at) || (at > begin && at < text.size() && text[at] == '_' && digit(at + 1))) ++at;
  return at - begin;
}

std::string without_underscores(std::string_view text) {
  std::string plain;
  for (const char c : text)
    if (c != '_') plain += c;
  return plain;
}

NumberLiteral integer_literal(std::string_view text, std::size_t prefix, std::size_t size, int base) {
  NumberLiteral literal;
  literal.size = prefix + size;
  const std::string digits = without_underscores(text.substr(prefix, size));
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), literal.integer, base);
  if (read.ec != std::errc()) literal.fault = "a whole number beyond 64 bits, which is not supported";
  return literal;
}

// The number of bytes of `.digits` and `e±digits` after the integer part; 0 if the literal is not a float.
std::size_t fraction_size(std::string_view text, std::size_t whole) {
  std::size_t end = whole;
  if (end < text.size() && text[end] == '.') {
    const std::size_t digits = digits_at(text, end + 1, 10);
    if (digits > 0) end += 1 + digits;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-');
    const std::size_t digits = digits_at(text, end + 1 + sign, 10);
    if (digits > 0) end += 1 + sign + digits;
  }
  return end - whole;
}

// The code point of `count` hexadecimal digits, or a negative number if there are fewer digits.
CodePoint hexadecimal(std::string_view text, std::size_t at, std::size_t count) {
  CodePoint point = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || digit_of(text[i], 16) < 0 || point > 0x10FFFF) return -1;
    point = point * 16 + digit_of(text[i], 16);
  }
  return point;
}

CodePoint octal(std::string_view text, std::size_t& at) {
  CodePoint point = 0;
  for (int i = 0; i < 3 && at < text.size() && digit_of(text[at], 8) >= 0; ++i)
    point = point * 8 + digit_of(text[at++], 8);
  return point;
}

}  // namespace

NumberLiteral read_number(std::string_view text, bool may_be_real) {
  const std::size_t whole = digits_at(text, 0, 10);
  const std::size_t fraction = may_be_real ? fraction_size(text, whole) : 0;
  if (fraction > 0) {
    NumberLiteral literal;
    literal.is_real = true;
    literal.size = whole + fraction;
    const std::string digits = without_underscores(text.substr(0, literal.size));
    literal.real = std::strtod(digits.c_str(), nullptr);  // as in Python, infinite or 0 beyond the range of floats
    return literal;
  }
  if (text[0] != '0') return integer_literal(text, 0, whole, 10);
  const char mark = text.size() > 1 ? static_cast<char>(text[1] | 0x20) : '\0';
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  const std::size_t begin = 2 + (base != 0 && text.size() > 2 && text[2] == '_');
  const std::size_t digits = base != 0 ? digits_at(text, begin, base) : 0;
  if (digits > 0) return integer_literal(text, begin, digits, base);
  std::size_t zeros = 1;  // 007 is not a number: after a leading zero only zeros may follow
  while (zeros < whole && (text[zeros] == '0' || text[zeros] == '_')) ++zeros;
  return integer_literal(text, 0, zeros, 10);
}

StringLiteral unescaped(std::string_view text) {
  StringLiteral literal;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      literal.text += text[at++];
      continue;
    }
    const char code = text[at + 1];
    const std::string_view plain = "ntrabfv\\'\"", meant = "\n\t\r\a\b\f\v\\'\"";
    const std::size_t known = plain.find(code);
    at += 2;
    if (known != std::string_view::npos) {
      literal.text += meant[known];
    } else if (code == '\n') {
      continue;
    } else if (code == 'x' || code == 'u' || code == 'U') {
      const std::size_t count = code == 'x' ? 2 : code == 'u' ? 4 : 8;
      const CodePoint point = hexadecimal(text, at, count);
      if (point < 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        literal.fault = std::string("the escape \\") + code + " does not name a character";
      else
        append_code_point(literal.text, point);
      if (!literal.fault.empty()) return literal;
      at += count;
    } else if (digit_of(code, 8) >= 0) {
      --at;
      append_code_point(literal.text, octal(text, at));
    } else if (code == 'N' || (code & 0x80)) {
      literal.fault = "an escape that is not supported";
      return literal;
    } else {
      (literal.text += '\\') += code;
    }
  }
  return literal;
}

}  // namespace rlhf::jinja
