// Runs the statements of a template.
#include <algorithm>

#include "jinja/evaluator.h"
#include "jinja/globals.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/scope.h"
#include "jinja/show.h"

namespace rlhf::jinja {
namespace {

constexpr std::size_t kCostOfMacro = 512;  // bytes; the scope of a macro lives until the end of the rendering

class Macro : public Object {
 public:
  Macro(Evaluator& evaluator, const MacroBody& body, std::shared_ptr<Scope> scope, bool escapes)
      : evaluator_(evaluator), body_(body), scope_(std::move(scope)), escapes_(escapes) {}
  std::string type_name() const override { return "Macro"; }
  std::string shown(Machine&) override {
    return body_.name.empty() ? "<Macro anonymous>" : "<Macro '" + body_.name + "'>";
  }
  bool callable() const override { return true; }
  Value call(Machine&, const Arguments& arguments) override {
    return evaluator_.run_macro(body_, scope_, arguments, escapes_);
  }
  std::optional<Value> attribute(Machine& machine, const std::string& name) override {
    if (name == "name") return body_.name.empty() ? Value(None{}) : Value(body_.name);
    if (name == "arguments") return parameters(machine);
    if (name == "catch_kwargs") return Value(body_.uses_kwargs);
    if (name == "catch_varargs") return Value(body_.uses_varargs);
    if (name == "caller") return Value(body_.reads_caller);
    if (name == "explicit_caller")
      return Value(std::ranges::any_of(body_.parameters, [](const auto& one) { return one.first == "caller"; }));
    return std::nullopt;
  }

 private:
  Value parameters(Machine& machine) const {
    Values names;
    for (const auto& parameter : body_.parameters) names.push_back(Value(parameter.first));
    return make_tuple(machine.budget, std::move(names));
  }

  Evaluator& evaluator_;
  const MacroBody& body_;
  std::shared_ptr<Scope> scope_;
  bool escapes_;
};

class BlockReference : public Object {
 public:
  BlockReference(Evaluator& evaluator, const BlockBody& block) : evaluator_(evaluator), block_(block) {}
  std::string type_name() const override { return "BlockReference"; }
  bool callable() const override { return true; }
  Value call(Machine&, const Arguments& arguments) override {
    const Params params("a block", arguments, {});
    return evaluator_.run_block(block_);
  }

 private:
  Evaluator& evaluator_;
  const BlockBody& block_;
};

// The value `self`, whose attributes are the blocks of the template.
class TemplateReference : public Object {
 public:
  explicit TemplateReference(Evaluator& evaluator) : evaluator_(evaluator) {}
  std::string type_name() const override { return "TemplateReference"; }
  std::string shown(Machine&) override { return "<TemplateReference None>"; }
  std::optional<Value> attribute(Machine&, const std::string& name) override {
    const auto found = evaluator_.blocks().find(name);
    if (found == evaluator_.blocks().end()) return std::nullopt;
    return Value(std::static_pointer_cast<Object>(std::make_shared<BlockReference>(evaluator_, *found->second)));
  }

 private:
  Evaluator& evaluator_;
};

/// Sets machine.autoescape until it is destroyed.
class Escaping {
 public:
  Escaping(Machine& machine, bool on) : machine_(machine), before_(std::exchange(machine.autoescape, on)) {}
  ~Escaping() { machine_.autoescape = before_; }
  Escaping(const Escaping&) = delete;
  Escaping& operator=(const Escaping&) = delete;

 private:
  Machine& machine_;
  bool before_;
};

}  // namespace

Value self_value(Evaluator& evaluator) {
  return Value(std::static_pointer_cast<Object>(std::make_shared<TemplateReference>(evaluator)));
}

Evaluator::Flow Evaluator::run(const Body& body) {
  for (const Statement& statement : body) {
    const Flow flow = run(statement);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Evaluator::Flow Evaluator::run(const Statement& statement) {
  Evaluation evaluation(machine_, statement.line);
  const Flow flow = std::visit([this](const auto& node) { return run_node(node); }, statement.node);
  evaluation.done();
  return flow;
}

Value Evaluator::captured(const std::function<void()>& writes) {
  std::string before;
  std::swap(before, out_);
  ++captures_;
  writes();
  --captures_;
  return make_text(machine_.budget, std::exchange(out_, std::move(before)), machine_.autoescape);
}

void Evaluator::write(std::string_view text) {
  machine_.budget.make(text.size());
  if (out_.size() + text.size() > kMaxText) Budget::stop("an output of more than 16 MiB");
  out_ += text;
}

void Evaluator::print(const Value& value) {
  const Text* text = value.text();
  if (machine_.autoescape && !(text && text->markup))
    write(html_escaped(to_text(machine_, value)));
  else if (text)
    write(text->bytes);
  else
    write(to_text(machine_, value));
}

void Evaluator::print_text(const Value& value) {
  if (!value.text()) fail("expected a text as the result of a block, found " + value.type_name());
  write(value.text()->bytes);
}

void Evaluator::set(Scope& scope, const std::string& name, const Value& value) {
  machine_.budget.step(scope.names.size() / 16);
  scope.set(name, value);
}

void Evaluator::assign(Scope& scope, const Target& target, const Value& value) {
  if (target.is_tuple) {
    const Values values = items_of(machine_, value);
    if (values.size() != target.several.size())
      fail("expected " + std::to_string(target.several.size()) + " values to unpack, found " +
           std::to_string(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) assign(scope, target.several[i], values[i]);
  } else if (target.attribute.empty()) {
    set(scope, target.name, value);
  } else {
    const Value* holder = find(target.name);
    if (holder == nullptr) fail("'" + target.name + "' is undefined");
    set_namespace_attribute(machine_, *holder, target.attribute, value);
  }
}

Evaluator::Flow Evaluator::run_node(const Data& data) {
  write(data.text);
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const Print& statement) {
  for (const ExprPtr& value : statement.values) print(eval(*value));
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const For& node) {
  return run_loop(node, items_of(machine_, eval(*node.over)), /*depth=*/0);
}

Evaluator::Flow Evaluator::run_loop(const For& node, Values items, std::int64_t depth) {
  std::function<bool(const Value&)> passes;
  if (node.test) {
    passes = [this, &node, outside = scope_](const Value& item) {
      const Inner inner(*this, outside);
      assign(*scope_, node.target, item);
      return truth(machine_, eval(*node.test));
    };
  }
  const auto loop = std::make_shared<Loop>(std::move(items), std::move(passes), depth);
  if (node.recursive) {
    loop->make_recursive([this, &node, outside = scope_](const Value& more, std::int64_t deeper) {
      const Evaluation nested(machine_, machine_.line);
      const Inner inner(*this, outside);
      Values called_with = items_of(machine_, more);
      return captured([&] { run_loop(node, std::move(called_with), deeper); });
    });
  }
  const Value named(std::static_pointer_cast<Object>(loop));
  bool any_turn_ended = false;
  while (loop->advance()) {
    const Inner turn(*this);
    scope_->set("loop", named);
    assign(*scope_, node.target, loop->current());
    const Flow flow = run(node.body);
    if (flow == Flow::leave_loop) break;
    any_turn_ended |= flow == Flow::on;
  }
  loop->finish();
  if (any_turn_ended) return Flow::on;
  const Inner inner(*this);  // as in Jinja2, also if every iteration was left early
  return run(node.otherwise);
}

Evaluator::Flow Evaluator::run_node(const If& node) {
  for (const auto& [test, body] : node.branches)
    if (truth(machine_, eval(*test))) return run(body);
  return run(node.otherwise);
}

Evaluator::Flow Evaluator::run_node(const Set& node) {
  assign(*scope_, node.target, eval(*node.value));
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const SetBlock& node) {
  Inner inner(*this);
  Flow flow = Flow::on;
  Value value = captured([&] { flow = run(node.body); });
  if (flow != Flow::on) return flow;
  if (node.filter) {
    const Value* outer = std::exchange(filtered_, &value);
    Value filtered = eval(*node.filter);
    filtered_ = outer;
    value = std::move(filtered);
  }
  assign(inner.outer(), node.target, value);
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const FilterBlock& node) {
  const Inner inner(*this);
  Flow flow = Flow::on;
  const Value value = captured([&] { flow = run(node.body); });
  if (flow != Flow::on) return flow;
  const Value* outer = std::exchange(filtered_, &value);
  print_text(eval(*node.filter));
  filtered_ = outer;
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const With& node) {
  Values values;
  for (const auto& assignment : node.assignments) values.push_back(eval(*assignment.second));
  const Inner inner(*this);
  for (std::size_t i = 0; i < values.size(); ++i) assign(*scope_, node.assignments[i].first, values[i]);
  return run(node.body);
}

Value Evaluator::macro_value(const MacroBody& macro) {
  machine_.budget.make(kCostOfMacro);
  return Value(std::static_pointer_cast<Object>(std::make_shared<Macro>(*this, macro, scope_, machine_.autoescape)));
}

Evaluator::Flow Evaluator::run_node(const MacroOf& node) {
  set(*scope_, node.macro.name, macro_value(node.macro));
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const CallBlock& node) {
  const Value caller = macro_value(node.macro);
  print_text(call(std::get<CallOf>(node.call->node), &caller));
  return Flow::on;
}

Evaluator::Flow Evaluator::run_node(const Generation& node) {
  const Inner inner(*this);
  const std::size_t begin = out_.size();
  run(node.body);
  if (captures_ == 0)
    generations_.emplace_back(begin, out_.size());
  else
    misplaced_generation_ = true;
  return Flow::on;
}

Evaluator::Flow Evaluator::run_in_block(const BlockBody& block, std::shared_ptr<Scope> outer) {
  if (block.required) fail("the required block '" + block.name + "' was not found");
  const Inner inner(*this, std::move(outer));
  const Escaping escaping(machine_, false);  // as in Jinja2, also if the block stands in an autoescape block
  scope_->set("super", Value::undefined("there is no parent block called '" + block.name + "'"));
  return run(block.body);
}

Evaluator::Flow Evaluator::run_node(const Block& node) {
  return run_in_block(*node.block, node.block->scoped ? nullptr : top_);
}

Value Evaluator::run_block(const BlockBody& block) {
  const Evaluation nested(machine_, machine_.line);
  return captured([&] { run_in_block(block, top_); });
}

Evaluator::Flow Evaluator::run_node(const Autoescape& node) {
  const Inner inner(*this);
  const Escaping escaping(machine_, node.on);
  return run(node.body);
}

Evaluator::Flow Evaluator::run_node(const OtherTemplate& node) {
  const Value source = eval(*node.source);
  const Sequence* names = source.sequence();
  if (node.ignore_missing && names && names->items.empty()) return Flow::on;
  fail("the template refers to another template, and there is no other one");
}

Evaluator::Flow Evaluator::run_node(const Break&) { return Flow::leave_loop; }
Evaluator::Flow Evaluator::run_node(const Continue&) { return Flow::next_turn; }

// Sets the arguments of a macro call in the current scope.
void Evaluator::bind(const MacroBody& macro, const Arguments& arguments) {
  const std::size_t places = macro.parameters.size();
  const std::size_t filled = std::min(places, arguments.positional.size());
  for (std::size_t i = 0; i < filled; ++i) scope_->set(macro.parameters[i].first, arguments.positional[i]);
  Mapping others;
  std::optional<Value> caller;
  for (const auto& [name, value] : arguments.named) {
    machine_.budget.step(1 + places / 16);
    const auto parameter = std::find_if(macro.parameters.begin() + static_cast<std::ptrdiff_t>(filled),
                                        macro.parameters.end(), [&](const auto& one) { return one.first == name; });
    if (parameter != macro.parameters.end())
      scope_->set(name, value);
    else if (name == "caller" && macro.uses_caller)
      caller = value;
    else if (macro.uses_kwargs)
      others.set(Value(name), value);
    else
      fail("macro '" + macro.name + "' takes no keyword argument '" + name + "'");
  }
  if (macro.uses_caller) scope_->set("caller", caller ? *caller : Value::undefined("No caller defined"));
  if (macro.uses_kwargs) scope_->set("kwargs", make_mapping(machine_.budget, std::move(others)));
  Values more(arguments.positional.begin() + static_cast<std::ptrdiff_t>(filled), arguments.positional.end());
  if (!macro.uses_varargs && !more.empty())
    fail("macro '" + macro.name + "' takes not more than " + std::to_string(places) + " argument(s)");
  if (macro.uses_varargs) scope_->set("varargs", make_tuple(machine_.budget, std::move(more)));
  for (std::size_t i = filled; i < places; ++i) {
    const auto& [name, otherwise] = macro.parameters[i];
    const auto is_name = [&](const auto& one) { return one.first == name; };
    if (std::ranges::any_of(scope_->names, is_name)) continue;
    scope_->set(name, otherwise ? eval(*otherwise) : Value::undefined("parameter '" + name + "' was not provided"));
  }
}

Value Evaluator::run_macro(const MacroBody& macro, const std::shared_ptr<Scope>& defined_in, const Arguments& arguments,
                           bool escapes) {
  return captured([&] {
    const Inner inner(*this, defined_in);
    const Escaping escaping(machine_, escapes);
    bind(macro, arguments);
    run(macro.body);
  });
}

}  // namespace rlhf::jinja
