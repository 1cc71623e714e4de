// Parses operators, tuples and conditions.
#include "jinja/expression_parser.h"

#include <algorithm>
#include <array>

namespace rlhf::jinja {

using Kind = Token::Kind;

Token ExpressionParser::take() {
  Token token = now();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::skip_sign(std::string_view sign) {
  if (!is_sign(sign)) return false;
  take();
  return true;
}

bool ExpressionParser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  take();
  return true;
}

void ExpressionParser::expect_sign(std::string_view sign) {
  if (!skip_sign(sign)) fail_at(now(), "expected '" + std::string(sign) + "', found " + described(now()));
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!skip_name(name)) fail_at(now(), "expected '" + std::string(name) + "', found " + described(now()));
}

void ExpressionParser::expect(Kind kind, const std::string& shown) {
  if (now().kind != kind) fail_at(now(), "expected " + shown + ", found " + described(now()));
  take();
}

std::string ExpressionParser::expect_any_name(const char* what) {
  if (now().kind != Kind::name) fail_at(now(), std::string("expected ") + what + ", found " + described(now()));
  return take().text;
}

void ExpressionParser::fail_at(const Token& token, const std::string& what) const {
  throw TemplateError(TemplateError::Kind::syntax, what, token.line, token.column);
}

ExprPtr ExpressionParser::expression(bool with_condition) {
  const Nesting nesting(nesting_, now());
  return with_condition ? condition() : any_of();
}

bool ExpressionParser::ends_tuple() const {
  return now().kind == Kind::print_end || now().kind == Kind::block_end || is_sign(")");
}

ExprPtr ExpressionParser::tuple(bool with_condition, bool in_brackets) {
  const Token at = now();
  ListOf all{true, {}};
  bool commas = false;
  while (true) {
    if (!all.items.empty()) expect_sign(",");
    if (ends_tuple()) break;
    all.items.push_back(expression(with_condition));
    if (!is_sign(",")) break;
    commas = true;
  }
  if (!commas && !all.items.empty()) return std::move(all.items[0]);
  if (!commas && !in_brackets) fail_at(now(), "expected an expression, found " + described(now()));
  return make(at, std::move(all));
}

ExprPtr ExpressionParser::condition() {
  const std::size_t unknown = unknown_.size();
  ExprPtr value = any_of();
  const bool conditional = is_name("if");
  while (is_name("if")) {
    const Token at = take();
    ExprPtr test = any_of(), otherwise;
    if (skip_name("else")) otherwise = expression();
    value = make(at, Choice{std::move(test), std::move(value), std::move(otherwise)});
  }
  if (conditional) unknown_.erase(unknown_.begin() + static_cast<std::ptrdiff_t>(unknown), unknown_.end());
  return value;
}

ExprPtr ExpressionParser::any_of() {
  ExprPtr left = all_of();
  while (is_name("or")) {
    const Token at = take();
    ExprPtr right = all_of();
    left = make(at, Logical{false, std::move(left), std::move(right)});
  }
  return left;
}

ExprPtr ExpressionParser::all_of() {
  ExprPtr left = negation();
  while (is_name("and")) {
    const Token at = take();
    ExprPtr right = negation();
    left = make(at, Logical{true, std::move(left), std::move(right)});
  }
  return left;
}

ExprPtr ExpressionParser::negation() {
  if (!is_name("not")) return comparison();
  const Nesting nesting(nesting_, now());
  const Token at = take();
  ExprPtr of = negation();
  return make(at, Unary{UnaryOp::logical_not, std::move(of)});
}

ExprPtr ExpressionParser::comparison() {
  static constexpr std::array<std::pair<std::string_view, Comparison>, 6> kComparisons = {{
      {"==", Comparison::equal},
      {"!=", Comparison::not_equal},
      {"<", Comparison::less},
      {"<=", Comparison::less_equal},
      {">", Comparison::greater},
      {">=", Comparison::greater_equal},
  }};
  const Token at = now();
  ExprPtr first = sum();
  std::vector<std::pair<Comparison, ExprPtr>> rest;
  while (true) {
    const auto found = std::ranges::find_if(kComparisons, [this](const auto& one) { return is_sign(one.first); });
    if (found != kComparisons.end()) {
      take();
      rest.emplace_back(found->second, sum());
    } else if (skip_name("in")) {
      rest.emplace_back(Comparison::in, sum());
    } else if (is_name("not") && ahead().kind == Kind::name && ahead().text == "in") {
      take();
      take();
      rest.emplace_back(Comparison::not_in, sum());
    } else {
      break;
    }
  }
  return rest.empty() ? std::move(first) : make(at, Compare{std::move(first), std::move(rest)});
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concatenation();
  while (is_sign("+") || is_sign("-")) {
    const Token at = take();
    ExprPtr right = concatenation();
    left = make(at, Binary{at.text == "+" ? Arithmetic::add : Arithmetic::subtract, std::move(left), std::move(right)});
  }
  return left;
}

ExprPtr ExpressionParser::concatenation() {
  const Token at = now();
  std::vector<ExprPtr> parts;
  parts.push_back(product());
  while (skip_sign("~")) parts.push_back(product());
  return parts.size() == 1 ? std::move(parts[0]) : make(at, Concat{std::move(parts)});
}

ExprPtr ExpressionParser::product() {
  ExprPtr left = power();
  while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
    const Token at = take();
    ExprPtr right = power();
    const Arithmetic op = at.text == "*"    ? Arithmetic::multiply
                          : at.text == "/"  ? Arithmetic::divide
                          : at.text == "//" ? Arithmetic::floor_divide
                                            : Arithmetic::modulo;
    left = make(at, Binary{op, std::move(left), std::move(right)});
  }
  return left;
}

ExprPtr ExpressionParser::power() {
  ExprPtr left = unary();
  while (is_sign("**")) {
    const Token at = take();
    ExprPtr right = unary();
    left = make(at, Binary{Arithmetic::power, std::move(left), std::move(right)});
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filters) {
  const Nesting nesting(nesting_, now());
  ExprPtr value;
  if (is_sign("-") || is_sign("+")) {
    const Token at = take();
    ExprPtr of = unary(false);
    value = make(at, Unary{at.text == "-" ? UnaryOp::negative : UnaryOp::positive, std::move(of)});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

}  // namespace rlhf::jinja
