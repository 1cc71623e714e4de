#include "text/jinja/expression_parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/height.h"

namespace rlhf::jinja {

using Kind = Token::Kind;

template <class Node>
ExprPtr ExpressionParser::make(const Token& at, Node node) const {
  const int height = height_of(node);
  if (height > kMaxHeight) fail_at(at, "an expression of more than 400 steps one upon the other");
  return std::make_unique<const Expr>(Expr{std::move(node), at.line, height});
}

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
  ExprPtr value = any_of();
  while (is_name("if")) {
    const Token at = take();
    ExprPtr test = any_of(), otherwise;
    if (skip_name("else")) otherwise = expression();
    value = make(at, Choice{std::move(test), std::move(value), std::move(otherwise)});
  }
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

void ExpressionParser::see(const std::string& name) {
  saw_caller_ |= name == "caller";
  saw_varargs_ |= name == "varargs";
  saw_kwargs_ |= name == "kwargs";
}

ExprPtr ExpressionParser::primary() {
  const Token at = now();
  if (at.kind == Kind::name) {
    take();
    if (at.text == "true" || at.text == "True") return make(at, Constant{Value(true)});
    if (at.text == "false" || at.text == "False") return make(at, Constant{Value(false)});
    if (at.text == "none" || at.text == "None") return make(at, Constant{Value(None{})});
    see(at.text);
    return make(at, Name{at.text});
  }
  if (at.kind == Kind::string) {
    std::string text;
    while (now().kind == Kind::string) text += take().text;  // neighbours are one string
    return make(at, Constant{Value(std::move(text))});
  }
  if (at.kind == Kind::integer) return make(at, Constant{Value(take().integer)});
  if (at.kind == Kind::real) return make(at, Constant{Value(take().real)});
  if (skip_sign("(")) {
    ExprPtr value = tuple(true, true);
    expect_sign(")");
    return value;
  }
  if (is_sign("[")) return list();
  if (is_sign("{")) return dict();
  fail_at(at, "expected an expression, found " + described(at));
}

ExprPtr ExpressionParser::list() {
  const Token at = take();
  ListOf all;
  while (!is_sign("]")) {
    if (!all.items.empty()) expect_sign(",");
    if (is_sign("]")) break;
    all.items.push_back(expression());
  }
  expect_sign("]");
  return make(at, std::move(all));
}

ExprPtr ExpressionParser::dict() {
  const Token at = take();
  DictOf all;
  while (!is_sign("}")) {
    if (!all.entries.empty()) expect_sign(",");
    if (is_sign("}")) break;
    ExprPtr key = expression();
    expect_sign(":");
    ExprPtr value = expression();
    all.entries.emplace_back(std::move(key), std::move(value));
  }
  expect_sign("}");
  return make(at, std::move(all));
}

ExprPtr ExpressionParser::postfix(ExprPtr of) {
  while (true) {
    if (is_sign("."))
      of = dotted(std::move(of));
    else if (is_sign("["))
      of = subscript(std::move(of));
    else if (is_sign("("))
      of = call(std::move(of));
    else
      return of;
  }
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr of) {
  while (true) {
    if (is_sign("|"))
      of = filters(std::move(of));
    else if (is_name("is"))
      of = test(std::move(of));
    else if (is_sign("("))
      of = call(std::move(of));
    else
      return of;
  }
}

ExprPtr ExpressionParser::dotted(ExprPtr of) {
  const Token at = take(), name = take();
  if (name.kind == Kind::name) return make(at, GetAttribute{std::move(of), name.text});
  if (name.kind != Kind::integer) fail_at(name, "expected a name or a number, found " + described(name));
  ExprPtr index = make(name, Constant{Value(name.integer)});
  return make(at, GetItem{std::move(of), std::move(index)});
}

ExprPtr ExpressionParser::bound_of_slice() {
  if (is_sign(":") || is_sign("]") || is_sign(",")) return nullptr;
  return expression();
}

ExprPtr ExpressionParser::subscript(ExprPtr of) {
  const Token at = take();
  if (is_sign("]")) fail_at(now(), "expected an index, found ']'");
  ExprPtr begin = is_sign(":") ? nullptr : expression();
  if (skip_sign(":")) {
    ExprPtr end = bound_of_slice(), step;
    if (skip_sign(":")) step = bound_of_slice();
    expect_sign("]");
    return make(at, GetSlice{std::move(of), std::move(begin), std::move(end), std::move(step)});
  }
  if (is_sign(",")) {
    ListOf several{true, {}};
    several.items.push_back(std::move(begin));
    while (skip_sign(",")) several.items.push_back(expression());
    begin = make(at, std::move(several));
  }
  expect_sign("]");
  return make(at, GetItem{std::move(of), std::move(begin)});
}

ArgumentList ExpressionParser::call_arguments() {
  const Token at = now();
  expect_sign("(");
  ArgumentList all;
  const auto require = [&](bool holds) {
    if (!holds) fail_at(at, "arguments of a call out of order");
  };
  for (bool first = true; !is_sign(")"); first = false) {
    if (!first) expect_sign(",");
    if (is_sign(")")) break;
    if (skip_sign("*")) {
      require(!all.spread && !all.spread_named);
      all.spread = expression();
    } else if (skip_sign("**")) {
      require(!all.spread_named);
      all.spread_named = expression();
    } else if (now().kind == Kind::name && ahead().kind == Kind::sign && ahead().text == "=") {
      require(!all.spread_named);
      const Token name = take();
      take();
      for (const auto& one : all.named)
        if (one.first == name.text) fail_at(name, "the argument '" + name.text + "' is given twice");
      all.named.emplace_back(name.text, expression());
    } else {
      require(!all.spread && !all.spread_named && all.named.empty());
      all.positional.push_back(expression());
    }
  }
  expect_sign(")");
  return all;
}

ExprPtr ExpressionParser::call(ExprPtr of) {
  const Token at = now();
  ArgumentList arguments = call_arguments();
  return make(at, CallOf{std::move(of), std::move(arguments)});
}

ExprPtr ExpressionParser::filters(ExprPtr of, bool named) {
  if (named) of = one_filter(std::move(of));
  while (skip_sign("|")) of = one_filter(std::move(of));
  return of;
}

ExprPtr ExpressionParser::one_filter(ExprPtr of) {
  const Token at = now();
  std::string name = expect_any_name("the name of a filter");
  while (skip_sign(".")) name += "." + expect_any_name("the name of a filter");
  const Filter filter = find_filter(name);
  if (filter == nullptr) fail_at(at, "the filter '" + name + "' is not known or not supported");
  ArgumentList arguments;
  if (is_sign("(")) arguments = call_arguments();
  return make(at, FilterOf{std::move(of), filter, std::move(arguments)});
}

bool ExpressionParser::begins_argument_of_test() const {
  switch (now().kind) {
    case Kind::name:
      return now().text != "else" && now().text != "or" && now().text != "and";
    case Kind::string:
    case Kind::integer:
    case Kind::real:
      return true;
    default:
      return is_sign("(") || is_sign("[") || is_sign("{");
  }
}

ExprPtr ExpressionParser::test(ExprPtr of) {
  take();
  const bool negated = skip_name("not");
  const Token at = now();
  std::string name = expect_any_name("the name of a test");
  while (skip_sign(".")) name += "." + expect_any_name("the name of a test");
  const Test found = find_test(name);
  if (found == nullptr) fail_at(at, "the test '" + name + "' is not known or not supported");
  ArgumentList arguments;
  if (is_sign("(")) {
    arguments = call_arguments();
  } else if (begins_argument_of_test()) {
    if (is_name("is")) fail_at(now(), "tests cannot be chained with 'is'");
    ExprPtr argument = primary();
    arguments.positional.push_back(postfix(std::move(argument)));
  }
  ExprPtr result = make(at, TestOf{std::move(of), found, std::move(arguments)});
  return negated ? make(at, Unary{UnaryOp::logical_not, std::move(result)}) : std::move(result);
}

}  // namespace rlhf::jinja
