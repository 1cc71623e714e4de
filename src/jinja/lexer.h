#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf::jinja {

/// A token of a template. `text` is the content of data and strings (escapes resolved), and the source text of names
/// and operators.
struct Token {
  enum class Kind { data, print_begin, print_end, block_begin, block_end, name, string, integer, real, sign, end };
  Kind kind = Kind::end;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  int line = 1;
  int column = 1;
};

/// The name of a token in error messages.
std::string described(const Token& token);

/// Cuts a template into tokens. Also handles white space around tags, with trim_blocks and lstrip_blocks set as in
/// transformers. The last token is `end`. Throws TemplateError with line and column.
std::vector<Token> tokenize(std::string_view source);

}  // namespace rlhf::jinja
