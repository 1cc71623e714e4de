// Cuts a template into tokens.
#include "jinja/lexer.h"

#include <algorithm>
#include <array>

#include "jinja/budget.h"
#include "jinja/literals.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

using Kind = Token::Kind;
constexpr auto npos = std::string_view::npos;

// Line ends become \n; a line end at the end of the template is removed.
std::string with_plain_newlines(std::string_view source) {
  std::string plain;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    plain += source[i] == '\r' ? '\n' : source[i];
  }
  if (plain.ends_with('\n')) plain.pop_back();
  return plain;
}

bool is_in_name(CodePoint point) { return is_word(point) || continues_name(point); }
bool is_digit_byte(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<std::string_view, 26> kSigns = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                     "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                     ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)), rest_(source_) {}

  std::vector<Token> all() {
    while (at_ < source_.size()) root();
    emit(Kind::end);
    return std::move(tokens_);
  }

 private:
  // Reads the text up to the next tag, then the tag.
  void root() {
    const std::size_t open = next_tag();
    if (open == npos) {
      add_data(rest_.substr(at_));
      move_to(source_.size());
      return;
    }
    const char type = source_[open + 1];
    const char sign = sign_at(open + 2);
    add_data(text_before_tag(rest_.substr(at_, open - at_), sign, type != '{'));
    move_to(open);
    if (type == '#') {
      comment(open + 2 + (sign != 0));
    } else if (type == '%' && raw_at(open + 2 + (sign != 0)) != npos) {
      raw(raw_at(open + 2 + (sign != 0)));
    } else {
      emit(type == '{' ? Kind::print_begin : Kind::block_begin);
      move_to(open + 2 + (sign != 0));
      inside(type == '{');
    }
  }

  std::size_t next_tag() const {
    for (std::size_t i = at_; (i = rest_.find('{', i)) != npos && i + 1 < rest_.size(); ++i)
      if (rest_[i + 1] == '{' || rest_[i + 1] == '%' || rest_[i + 1] == '#') return i;
    return npos;
  }

  char sign_at(std::size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
  }

  // `-` removes all white space before the tag; otherwise lstrip_blocks removes the indent of a block or comment.
  std::string_view text_before_tag(std::string_view text, char sign, bool takes_indent) const {
    if (sign == '-') return stripped(text, Ends::right);
    if (sign == '+' || !takes_indent) return text;
    const std::size_t line = text.rfind('\n') + 1;  // 0 if there is no line end
    if (line == 0 && !line_starting_) return text;
    return stripped(text.substr(line), Ends::both).empty() ? text.substr(0, line) : text;
  }

  std::size_t behind_space(std::size_t at) const {
    return source_.size() - stripped(rest_.substr(at), Ends::left).size();
  }

  // The position after the closing mark of a block or comment at `at` (`%}`, `-%}`, `+%}`) and after the white space
  // that it removes; npos if there is no closing mark at `at`.
  std::size_t closing(std::size_t at, std::string_view mark, bool trims_newline) const {
    const char sign = sign_at(at);
    const std::size_t end = at + (sign != 0) + mark.size();
    if (!rest_.substr(at + (sign != 0)).starts_with(mark)) return npos;
    if (sign == '-') return behind_space(end);
    if (mark == "}}") return sign == 0 ? end : npos;
    return sign == 0 && trims_newline && end < source_.size() && source_[end] == '\n' ? end + 1 : end;
  }

  void comment(std::size_t from) {
    for (std::size_t i = from; (i = rest_.find("#}", i)) != npos; ++i) {
      const bool signed_end = i > from && (source_[i - 1] == '-' || source_[i - 1] == '+');
      close_tag(closing(i - signed_end, "#}", true));
      return;
    }
    fail_at("a comment is not closed: expected #}");
  }

  // The position at which the text of a raw block begins, if `raw %}` is at `at`.
  std::size_t raw_at(std::size_t at) const {
    at = behind_space(at);
    if (!rest_.substr(at).starts_with("raw")) return npos;
    at = behind_space(at + 3);
    return sign_at(at) == '+' ? npos : closing(at, "%}", /*trims_newline=*/false);
  }

  void raw(std::size_t begin) {
    const int line = line_, column = column_;
    close_tag(begin);
    for (std::size_t i = begin; (i = rest_.find("{%", i)) != npos; ++i) {
      const char sign = sign_at(i + 2);
      const std::size_t name = behind_space(i + 2 + (sign != 0));
      if (!rest_.substr(name).starts_with("endraw")) continue;
      const std::size_t end = closing(behind_space(name + 6), "%}", true);
      if (end == npos) continue;
      add_data(text_before_tag(rest_.substr(begin, i - begin), sign, true));
      close_tag(end);
      return;
    }
    throw TemplateError(TemplateError::Kind::syntax, "a raw block is not closed: expected {% endraw %}", line, column);
  }

  void close_tag(std::size_t end) {
    move_to(end);
    line_starting_ = end > 0 && source_[end - 1] == '\n';
  }

  // Reads the tokens of a print statement or a block, up to its end.
  void inside(bool print) {
    std::string open_brackets;
    while (true) {
      if (open_brackets.empty()) {
        const std::size_t end = closing(at_, print ? "}}" : "%}", true);
        if (end != npos) {
          emit(print ? Kind::print_end : Kind::block_end);
          close_tag(end);
          return;
        }
      }
      move_to(behind_space(at_));
      if (at_ == source_.size()) return;  // the parser reports the missing end
      if (open_brackets.empty() && closing(at_, print ? "}}" : "%}", true) != npos) continue;
      token(open_brackets);
    }
  }

  void token(std::string& open_brackets) {
    const char c = source_[at_];
    if (is_digit_byte(c)) {
      number();
    } else if (const std::size_t end = end_of_name(); end > at_) {
      const std::string_view name = rest_.substr(at_, end - at_);
      if (!is_identifier(name)) fail_at("invalid character in the name '" + std::string(name) + "'");
      emit(Kind::name, std::string(name));
      move_to(end);
    } else if (c == '"' || c == '\'') {
      string();
    } else {
      sign(open_brackets);
    }
  }

  std::size_t end_of_name() const {
    std::size_t end = at_;
    while (end < source_.size()) {
      std::size_t next = end;
      if (!is_in_name(next_code_point(rest_, next))) break;
      end = next;
    }
    return end;
  }

  void number() {
    const bool behind_dot = at_ > 0 && source_[at_ - 1] == '.';
    const NumberLiteral literal = read_number(rest_.substr(at_), /*may_be_real=*/!behind_dot);
    if (!literal.fault.empty()) fail_at(literal.fault);
    emit(literal.is_real ? Kind::real : Kind::integer, std::string(rest_.substr(at_, literal.size)));
    tokens_.back().integer = literal.integer;
    tokens_.back().real = literal.real;
    move_to(at_ + literal.size);
  }

  void string() {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != source_[at_]) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail_at("a string is not closed");
    const StringLiteral literal = unescaped(rest_.substr(at_ + 1, end - at_ - 1));
    if (!literal.fault.empty()) fail_at(literal.fault);
    emit(Kind::string, literal.text);
    move_to(end + 1);
  }

  void sign(std::string& open_brackets) {
    const std::string_view rest = rest_.substr(at_);
    const auto found = std::ranges::find_if(kSigns, [&](std::string_view sign) { return rest.starts_with(sign); });
    if (found == kSigns.end()) {
      std::size_t end = at_;
      next_code_point(source_, end);
      fail_at("unexpected character '" + source_.substr(at_, end - at_) + "'");
    }
    const std::string_view pairs = "()[]{}";
    const std::size_t bracket = found->size() == 1 ? pairs.find(*found) : npos;
    if (bracket != npos && bracket % 2 == 0) open_brackets += pairs[bracket + 1];
    if (bracket != npos && bracket % 2 == 1) {
      if (open_brackets.empty()) fail_at("unexpected '" + std::string(*found) + "'");
      if (open_brackets.back() != pairs[bracket])
        fail_at("unexpected '" + std::string(*found) + "', expected '" + open_brackets.back() + "'");
      open_brackets.pop_back();
    }
    emit(Kind::sign, std::string(*found));
    move_to(at_ + found->size());
  }

  void add_data(std::string_view text) {
    if (!text.empty()) emit(Kind::data, std::string(text));
  }

  void emit(Kind kind, std::string text = {}) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    token.column = column_;
    tokens_.push_back(std::move(token));
  }

  void move_to(std::size_t at) {
    for (; at_ < at; ++at_) {
      if (source_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else {
        column_ += (source_[at_] & 0xC0) != 0x80;
      }
    }
  }

  [[noreturn]] void fail_at(const std::string& what) const {
    throw TemplateError(TemplateError::Kind::syntax, what, line_, column_);
  }

  std::string source_;
  std::string_view rest_;  // a view of source_
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1;
  bool line_starting_ = true;  // whether the current text begins at the start of a line
  std::vector<Token> tokens_;
};

}  // namespace

std::string described(const Token& token) {
  switch (token.kind) {
    case Kind::data:
      return "text";
    case Kind::print_begin:
      return "{{";
    case Kind::print_end:
      return "}}";
    case Kind::block_begin:
      return "{%";
    case Kind::block_end:
      return "%}";
    case Kind::string:
      return "a string";
    case Kind::end:
      return "the end of the template";
    default:
      return "'" + token.text + "'";
  }
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(with_plain_newlines(source)).all(); }

}  // namespace rlhf::jinja
