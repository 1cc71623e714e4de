#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlhf::jinja {

/// The number that a text begins with (a digit stands there).
struct NumberLiteral {
  bool is_real = false;
  std::int64_t integer = 0;
  double real = 0;
  std::size_t size = 0;  ///< bytes that it takes
  std::string fault;     ///< empty: none
};
NumberLiteral read_number(std::string_view text, bool may_be_real);

/// What stands between the quotes of a string, with its escapes resolved as Python does.
struct StringLiteral {
  std::string text;
  std::string fault;  ///< empty: none
};
StringLiteral unescaped(std::string_view text);

}  // namespace rlhf::jinja
