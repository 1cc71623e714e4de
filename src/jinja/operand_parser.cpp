// Parses the operands of operators: literals, names, and their suffixes (attributes, items, calls, filters, tests).
#include "jinja/expression_parser.h"

namespace rlhf::jinja {

using Kind = Token::Kind;

void ExpressionParser::see(const std::string& name) {
  saw_caller_ |= name == "caller";
  saw_varargs_ |= name == "varargs";
  saw_kwargs_ |= name == "kwargs";
  clock_uses_ += name == "strftime_now";
}

void ExpressionParser::see_call(const ExprPtr& of, const ArgumentList& arguments) {
  const Name* name = std::get_if<Name>(&of->node);
  if (name == nullptr || name->name != "strftime_now" || arguments.positional.size() != 1) return;
  const Constant* format = std::get_if<Constant>(&arguments.positional[0]->node);
  if (format && format->value.text()) clock_formats_.push_back(format->value.text()->bytes);
}

void ExpressionParser::see_unknown(const char* kind, const std::string& name, const Token& at) {
  if (may_be_skipped_) return;
  unknown_.emplace_back(TemplateError::Kind::syntax, std::string("there is no ") + kind + " named '" + name + "'",
                        at.line, at.column);
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
    while (now().kind == Kind::string) text += take().text;  // adjacent strings are one string
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
    if (all.positional.size() + all.named.size() == kMaxArguments)
      fail_at(now(), "a call with more than 1000 arguments");
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
  see_call(of, arguments);
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
  if (filter == nullptr) see_unknown("filter", name, at);
  ArgumentList arguments;
  if (is_sign("(")) arguments = call_arguments();
  return make(at, FilterOf{std::move(of), std::move(name), filter, std::move(arguments)});
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
  if (found == nullptr) see_unknown("test", name, at);
  const Name* subject = std::get_if<Name>(&of->node);
  if (subject && subject->name == "strftime_now" && name == "defined") --clock_uses_;  // that reads no time
  ArgumentList arguments;
  if (is_sign("(")) {
    arguments = call_arguments();
  } else if (begins_argument_of_test()) {
    if (is_name("is")) fail_at(now(), "tests cannot be chained with 'is'");
    ExprPtr argument = primary();
    arguments.positional.push_back(postfix(std::move(argument)));
  }
  ExprPtr result = make(at, TestOf{std::move(of), std::move(name), found, std::move(arguments)});
  return negated ? make(at, Unary{UnaryOp::logical_not, std::move(result)}) : std::move(result);
}

}  // namespace rlhf::jinja
