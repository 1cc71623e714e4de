#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.h"
#include "jinja/height.h"
#include "jinja/lexer.h"

namespace rlhf::jinja {

/// Counts nesting while parsing, so that no source can exhaust the stack.
class Nesting {
 public:
  Nesting(int& depth, const Token& at) : depth_(depth) {
    if (depth_ >= kMaxNesting)
      throw TemplateError(TemplateError::Kind::syntax, "nested deeper than 100", at.line, at.column);
    ++depth_;
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
};

/// Parses Jinja2's expressions by recursive descent over the tokens.
class ExpressionParser {
 protected:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  ExprPtr expression(bool with_condition = true);
  /// Parses an expression, or a tuple of expressions separated by commas.
  ExprPtr tuple(bool with_condition = true, bool in_brackets = false);
  ArgumentList call_arguments();
  /// Parses the filters after a value; `of` is null for a filter block. `named`: the first name follows without a bar.
  ExprPtr filters(ExprPtr of, bool named = false);

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take();
  bool is_sign(std::string_view sign) const { return now().kind == Token::Kind::sign && now().text == sign; }
  bool is_name(std::string_view name) const { return now().kind == Token::Kind::name && now().text == name; }
  bool skip_sign(std::string_view sign);
  bool skip_name(std::string_view name);
  void expect_sign(std::string_view sign);
  void expect_name(std::string_view name);
  void expect(Token::Kind kind, const std::string& shown);
  std::string expect_any_name(const char* what);
  [[noreturn]] void fail_at(const Token& token, const std::string& what) const;

  /// Whether an unknown filter or test is no error here, because it may never be evaluated: in an if statement, but not
  /// in a loop, macro or other block within it (as in Jinja2).
  bool may_be_skipped_ = false;
  /// The unknown filters and tests that are errors, unless a conditional expression turns out to be around them.
  std::vector<TemplateError> unknown_;

  int nesting_ = 0;
  /// Names that were read, to find which of caller, varargs and kwargs the body of a macro uses.
  bool saw_caller_ = false, saw_varargs_ = false, saw_kwargs_ = false;
  /// What the template asks of the clock: the formats of calls strftime_now('…'), and all uses of that name.
  std::vector<std::string> clock_formats_;
  std::size_t clock_uses_ = 0;

 private:
  ExprPtr condition();
  ExprPtr any_of();
  ExprPtr all_of();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters = true);
  ExprPtr primary();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr of);
  ExprPtr filters_and_tests(ExprPtr of);
  ExprPtr dotted(ExprPtr of);
  ExprPtr subscript(ExprPtr of);
  ExprPtr call(ExprPtr of);
  ExprPtr one_filter(ExprPtr of);
  ExprPtr test(ExprPtr of);
  ExprPtr bound_of_slice();
  bool begins_argument_of_test() const;
  bool ends_tuple() const;
  void see(const std::string& name);
  void see_call(const ExprPtr& of, const ArgumentList& arguments);
  void see_unknown(const char* kind, const std::string& name, const Token& at);
  template <class Node>
  ExprPtr make(const Token& at, Node node) const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

template <class Node>
ExprPtr ExpressionParser::make(const Token& at, Node node) const {
  const int height = height_of(node);
  if (height > kMaxHeight) fail_at(at, "an expression nested deeper than 400");
  return std::make_unique<const Expr>(Expr{std::move(node), at.line, height});
}

}  // namespace rlhf::jinja
