#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlhf::jinja {

/// Reads the number at the start of a text, which begins with a digit.
struct NumberLiteral {
  bool is_real = false;
  std::int64_t integer = 0;
  double real = 0;
  std::size_t size = 0;  ///< bytes of the literal
  std::string fault;     ///< empty if the literal is valid
};
NumberLiteral read_number(std::string_view text, bool may_be_real);

/// The content of a string literal, with escapes resolved as in Python.
struct StringLiteral {
  std::string text;
  std::string fault;  ///< empty if the literal is valid
};
StringLiteral unescaped(std::string_view text);

}  // namespace rlhf::jinja
