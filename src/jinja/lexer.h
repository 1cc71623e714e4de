#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf::jinja {

/// A piece of a template. `text`: of data and strings what they stand for, of names and operators what stands there.
struct Token {
  enum class Kind { data, print_begin, print_end, block_begin, block_end, name, string, integer, real, sign, end };
  Kind kind = Kind::end;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  int line = 1;
  int column = 1;
};

/// What people call a token in messages.
std::string described(const Token& token);

/// Cuts a template into tokens; white space around tags is handled here, with trim_blocks and lstrip_blocks as
/// transformers sets them. The last token is `end`. Throws TemplateError with line and column.
std::vector<Token> tokenize(std::string_view source);

}  // namespace rlhf::jinja
