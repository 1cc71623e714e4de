// Parses the statements of a template.
#include "jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "jinja/expression_parser.h"
#include "jinja/lexer.h"

namespace rlhf::jinja {
namespace {

using Kind = Token::Kind;

class Parser : ExpressionParser {
 public:
  explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  Parsed all() {
    Parsed parsed;
    parsed.body = statements({});
    if (!unknown_.empty()) throw unknown_.front();
    parsed.marks_generation = marks_generation_;
    parsed.blocks = std::move(blocks_);
    if (clock_formats_.size() == clock_uses_) parsed.clock_formats = std::move(clock_formats_);
    return parsed;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  bool at_name_of(Names names) const {
    return now().kind == Kind::name && std::ranges::find(names, now().text) != names.end();
  }

  // Parses up to a tag with one of the names, which is then the current token; without names, up to the end of the
  // template.
  Body statements(Names ends) {
    Body body;
    while (now().kind != Kind::end) {
      const Token at = now();
      if (at.kind == Kind::data) {
        body.push_back({Data{take().text}, at.line});
      } else if (at.kind == Kind::print_begin) {
        take();
        Print print;
        print.values.push_back(tuple());
        expect(Kind::print_end, "'}}'");
        body.push_back({std::move(print), at.line});
      } else {
        expect(Kind::block_begin, "a tag");
        if (at_name_of(ends)) return body;
        body.push_back(statement());
        expect(Kind::block_end, "'%}'");
      }
    }
    if (ends.size() > 0)
      fail_at(now(), "expected {% " + std::string(*(ends.end() - 1)) + " %}, found " + described(now()));
    return body;
  }

  // Parses the body of a tag: from its closing mark to the tag that ends it. Returns the name of that tag.
  Body body_until(Names ends, std::string* ended_by = nullptr) {
    skip_sign(":");
    expect(Kind::block_end, "'%}'");
    Body body = statements(ends);
    const Token end = take();
    if (ended_by) *ended_by = end.text;
    return body;
  }

  // The same for a body in which an unknown filter or test is an error even inside an if statement.
  Body checked_until(Names ends, std::string* ended_by = nullptr) {
    const bool outside = std::exchange(may_be_skipped_, false);
    Body body = body_until(ends, ended_by);
    may_be_skipped_ = outside;
    return body;
  }

  // The same for a body that no break or continue leaves.
  Body closed_until(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    Body body = checked_until({end});
    loops_ = loops;
    return body;
  }

  ExprPtr checked_filters(bool named) {
    const bool outside = std::exchange(may_be_skipped_, false);
    ExprPtr filter = filters(nullptr, named);
    may_be_skipped_ = outside;
    return filter;
  }

  Statement statement() {
    const Nesting nesting(nesting_, now());
    const Token at = now();
    if (at.kind != Kind::name) fail_at(at, "expected the name of a tag, found " + described(at));
    take();
    if (at.text == "for") return {for_loop(), at.line};
    if (at.text == "if") return {if_branches(), at.line};
    if (at.text == "set") return set(at);
    if (at.text == "print") return {print_values(), at.line};
    if (at.text == "with") return {with(), at.line};
    if (at.text == "macro") return {macro(), at.line};
    if (at.text == "call") return {call_block(at), at.line};
    if (at.text == "filter") return {filter_block(), at.line};
    if (at.text == "generation") return {generation(), at.line};
    if (at.text == "block") return {block(at), at.line};
    if (at.text == "autoescape") return {autoescape(), at.line};
    if (at.text == "include" || at.text == "import" || at.text == "from" || at.text == "extends")
      return {other_template(at.text), at.line};
    if (at.text == "break" || at.text == "continue") return leave_loop(at);
    fail_at(at, "the tag '" + at.text + "' is unknown or closes no open block");
  }

  Block block(const Token& at) {
    BlockBody block;
    block.name = expect_any_name("the name of a block");
    block.scoped = skip_name("scoped");
    block.required = skip_name("required");
    const bool reads_caller = saw_caller_;
    block.body = closed_until("endblock");
    saw_caller_ = reads_caller;  // a block does not see the arguments of a macro around it
    skip_name(block.name);
    const auto is_space = [](const Statement& one) {
      const Data* data = std::get_if<Data>(&one.node);
      return data && data->text.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
    };
    if (block.required && !std::ranges::all_of(block.body, is_space))
      fail_at(at, "expected only white space in a required block, found more");
    const auto made = std::make_shared<const BlockBody>(std::move(block));
    if (!blocks_.emplace(made->name, made).second) fail_at(at, "the block '" + made->name + "' is defined twice");
    return {made};
  }

  Autoescape autoescape() {
    const Token at = now();
    const ExprPtr on = expression();
    const Constant* constant = std::get_if<Constant>(&on->node);
    if (constant == nullptr || !constant->value.boolean())
      fail_at(at, "expected true or false after 'autoescape'; other expressions are not supported");
    return {*constant->value.boolean(), checked_until({"endautoescape"})};
  }

  void skip_context() {
    if (!is_name("with") && !is_name("without")) return;
    if (ahead().kind != Kind::name || ahead().text != "context") return;
    take();
    take();
  }

  OtherTemplate other_template(const std::string& tag) {
    OtherTemplate other{expression(), false};
    if (tag == "include" && is_name("ignore") && ahead().kind == Kind::name && ahead().text == "missing") {
      take();
      take();
      other.ignore_missing = true;
    }
    if (tag == "import") {
      expect_name("as");
      new_name();
    }
    if (tag == "from") imported_names();
    if (tag != "extends") skip_context();
    return other;
  }

  void imported_names() {
    expect_name("import");
    bool any = false;
    while (now().kind != Kind::block_end) {
      if (any) expect_sign(",");
      if (now().kind != Kind::name) break;
      if (any && (is_name("with") || is_name("without")) && ahead().kind == Kind::name && ahead().text == "context")
        break;
      new_name();
      if (skip_name("as")) new_name();
      any = true;
      if (!is_sign(",")) break;
    }
    if (!any) fail_at(now(), "expected the names to import, found " + described(now()));
  }

  Statement leave_loop(const Token& at) {
    if (loops_ == 0) fail_at(at, "'" + at.text + "' outside a loop");
    if (at.text == "break") return {Break{}, at.line};
    return {Continue{}, at.line};
  }

  For for_loop() {
    For loop;
    ++loops_;  // before the target is read, because a target cannot be named loop
    loop.target = targets(/*with_namespace=*/false);
    --loops_;
    expect_name("in");
    loop.over = tuple(/*with_condition=*/false);
    const bool outside = may_be_skipped_;
    may_be_skipped_ = false;
    if (skip_name("if")) loop.test = expression();
    loop.recursive = skip_name("recursive");
    std::string end;
    ++loops_;
    loop.body = body_until({"else", "endfor"}, &end);
    --loops_;
    if (end == "else") loop.otherwise = body_until({"endfor"});
    may_be_skipped_ = outside;
    return loop;
  }

  If if_branches() {
    If branches;
    std::string end;
    const bool outside = std::exchange(may_be_skipped_, true);
    do {
      ExprPtr test = tuple(/*with_condition=*/false);
      Body body = body_until({"elif", "else", "endif"}, &end);
      branches.branches.emplace_back(std::move(test), std::move(body));
    } while (end == "elif");
    if (end == "else") branches.otherwise = body_until({"endif"});
    may_be_skipped_ = outside;
    return branches;
  }

  Statement set(const Token& at) {
    Target target = targets(/*with_namespace=*/true);
    if (skip_sign("=")) {
      ExprPtr value = tuple();
      return {Set{std::move(target), std::move(value)}, at.line};
    }
    ExprPtr filter = is_sign("|") ? checked_filters(/*named=*/false) : nullptr;
    Body body = checked_until({"endset"});
    return {SetBlock{std::move(target), std::move(filter), std::move(body)}, at.line};
  }

  Print print_values() {
    Print print;
    while (now().kind != Kind::block_end) {
      if (!print.values.empty()) expect_sign(",");
      print.values.push_back(expression());
    }
    return print;
  }

  With with() {
    With with;
    while (now().kind != Kind::block_end) {
      if (!with.assignments.empty()) expect_sign(",");
      Target target = targets(/*with_namespace=*/false);
      expect_sign("=");
      with.assignments.emplace_back(std::move(target), expression());
    }
    with.body = checked_until({"endwith"});
    return with;
  }

  MacroOf macro() {
    MacroBody macro;
    macro.name = new_name();
    signature(macro);
    macro_body(macro, "endmacro");
    return {std::move(macro)};
  }

  CallBlock call_block(const Token& at) {
    CallBlock block;
    if (is_sign("(")) signature(block.macro);
    block.call = expression();
    if (!std::holds_alternative<CallOf>(block.call->node)) fail_at(at, "expected a call after 'call'");
    macro_body(block.macro, "endcall");
    return block;
  }

  FilterBlock filter_block() {
    FilterBlock block;
    block.filter = checked_filters(/*named=*/true);
    block.body = checked_until({"endfilter"});
    return block;
  }

  Generation generation() {
    marks_generation_ = true;
    return {closed_until("endgeneration")};
  }

  void signature(MacroBody& macro) {
    expect_sign("(");
    bool defaults = false;
    while (!is_sign(")")) {
      if (!macro.parameters.empty()) expect_sign(",");
      const Token at = now();
      if (macro.parameters.size() == kMaxArguments) fail_at(at, "a macro with more than 1000 parameters");
      std::string name = new_name();
      ExprPtr value;
      if (skip_sign("=")) {
        const bool outside = std::exchange(may_be_skipped_, false);
        value = expression();
        may_be_skipped_ = outside;
        defaults = true;
      } else if (defaults) {
        fail_at(at, "a parameter without a default after one with a default");
      }
      macro.parameters.emplace_back(std::move(name), std::move(value));
    }
    expect_sign(")");
  }

  // Parses the body and records which of caller, varargs and kwargs it uses.
  void macro_body(MacroBody& macro, std::string_view end) {
    const bool caller = std::exchange(saw_caller_, false), varargs = std::exchange(saw_varargs_, false),
               kwargs = std::exchange(saw_kwargs_, false);
    const Token at = now();
    macro.body = closed_until(end);
    const auto parameter = [&](std::string_view name) {
      return std::ranges::any_of(macro.parameters, [&](const auto& one) { return one.first == name; });
    };
    macro.reads_caller = saw_caller_;
    if (saw_caller_ && std::ranges::any_of(macro.parameters, [](const auto& one) {
          return one.first == "caller" && one.second == nullptr;
        }))
      fail_at(at, "the parameter 'caller' must have a default");
    macro.uses_caller = saw_caller_ && !parameter("caller");
    macro.uses_varargs = saw_varargs_ && !parameter("varargs");
    macro.uses_kwargs = saw_kwargs_ && !parameter("kwargs");
    saw_caller_ |= caller;
    saw_varargs_ |= varargs;
    saw_kwargs_ |= kwargs;
  }

  // Parses a name to which a template may assign.
  std::string new_name() {
    static constexpr std::string_view kReserved[] = {"true", "false", "none", "True", "False", "None"};
    const Token at = now();
    std::string name = expect_any_name("a name");
    if (std::ranges::find(kReserved, name) != std::end(kReserved)) fail_at(at, "cannot assign to '" + name + "'");
    return name;
  }

  Target one_target(bool with_namespace) {
    const Nesting nesting(nesting_, now());
    if (skip_sign("(")) {
      Target inner = targets(with_namespace);
      expect_sign(")");
      return inner;
    }
    const Token at = now();
    Target target;
    target.name = new_name();
    if (with_namespace && skip_sign(".")) target.attribute = expect_any_name("the name of an attribute");
    if (target.name == "loop" && target.attribute.empty() && loops_ > 0)
      fail_at(at, "cannot assign to 'loop' in a loop");
    return target;
  }

  // Parses one target, or several separated by commas. (A comma after the last one must be followed by a bracket or the
  // end of the tag.)
  Target targets(bool with_namespace) {
    Target first = one_target(with_namespace);
    if (!is_sign(",")) return first;
    Target all;
    all.is_tuple = true;
    all.several.push_back(std::move(first));
    while (skip_sign(",") && !is_sign(")") && now().kind != Kind::block_end)
      all.several.push_back(one_target(with_namespace));
    return all;
  }

  int loops_ = 0;  // loops around the current position, within the same macro
  bool marks_generation_ = false;
  Blocks blocks_;
};

}  // namespace

Parsed parse(std::string_view source) {
  if (source.size() > kMaxSource)
    throw TemplateError(TemplateError::Kind::syntax, "a template of more than 1 MiB", 1, 1);
  return Parser(tokenize(source)).all();
}

}  // namespace rlhf::jinja
