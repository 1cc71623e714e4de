// Evaluates expressions and renders a template.
#include "jinja/evaluator.h"

#include <algorithm>

#include "jinja/globals.h"
#include "jinja/operators.h"
#include "jinja/scope.h"
#include "jinja/show.h"

namespace rlhf::jinja {

Evaluator::Evaluator(Machine& machine, std::vector<std::pair<std::string, Value>> variables, const Blocks& blocks)
    : machine_(machine), scope_(std::make_shared<Scope>()), blocks_(blocks) {
  for (auto& [name, value] : variables) scope_->set(name, std::move(value));
  scope_ = top_ = std::make_shared<Scope>(Scope{scope_, {}});
}

// A macro and the scope that defines it refer to each other; clearing the scopes releases both.
Evaluator::~Evaluator() {
  for (const auto& object : machine_.changeable) object->clear();
  for (const auto& scope : kept_) scope->names.clear();
  for (Scope* scope = scope_.get(); scope; scope = scope->outer.get()) scope->names.clear();
}

std::string Evaluator::render(const Body& body) {
  run(body);
  return std::move(out_);
}

Value Evaluator::eval(const Expr& expr) {
  Evaluation evaluation(machine_, expr.line);
  Value value = std::visit([this](const auto& node) { return eval_node(node); }, expr.node);
  evaluation.done();
  return value;
}

Values Evaluator::eval_all(const std::vector<ExprPtr>& parts) {
  Values values;
  for (const ExprPtr& part : parts) values.push_back(eval(*part));
  return values;
}

const Value* Evaluator::find(std::string_view name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->outer.get()) {
    machine_.budget.step(scope->names.size() / 16);
    if (const Value* found = scope->find(name)) return found;
  }
  return nullptr;
}

Value Evaluator::eval_node(const Constant& constant) { return constant.value; }

Value Evaluator::eval_node(const Name& name) {
  if (const Value* found = find(name.name)) return *found;
  if (const auto function = find_global(name.name)) return *function;
  if (name.name == "self") return self_value(*this);
  return Value::undefined("'" + name.name + "' is undefined");
}

Value Evaluator::eval_node(const ListOf& list) {
  return make_sequence(machine_.budget, list.tuple ? Shape::tuple : Shape::list, eval_all(list.items));
}

Value Evaluator::eval_node(const DictOf& dict) {
  Mapping mapping;
  for (const auto& [key, value] : dict.entries) {
    const Value name = eval(*key);
    mapping.set(name, eval(*value));
  }
  return make_mapping(machine_.budget, std::move(mapping));
}

Value Evaluator::eval_node(const Unary& unary) {
  const Value of = eval(*unary.of);
  if (unary.op == UnaryOp::logical_not) return Value(!truth(machine_, of));
  return unary.op == UnaryOp::negative ? negated(of) : unchanged(of);
}

Value Evaluator::eval_node(const Binary& binary) {
  const Value left = eval(*binary.left), right = eval(*binary.right);
  return compute(machine_, binary.op, left, right);
}

Value Evaluator::eval_node(const Logical& logical) {
  Value left = eval(*logical.left);
  return truth(machine_, left) == logical.both ? eval(*logical.right) : left;
}

Value Evaluator::eval_node(const Concat& concat) {
  const Values parts = eval_all(concat.parts);
  const auto is_markup = [](const Value& part) { return part.text() && part.text()->markup; };
  const bool markup = machine_.autoescape && std::ranges::any_of(parts, is_markup);
  std::string text;
  for (const Value& part : parts) {
    text += markup && !is_markup(part) ? html_escaped(to_text(machine_, part)) : to_text(machine_, part);
    if (text.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  return make_text(machine_.budget, std::move(text), markup);
}

bool Evaluator::holds(Comparison comparison, const Value& left, const Value& right) {
  switch (comparison) {
    case Comparison::equal:
      return equal(machine_, left, right);
    case Comparison::not_equal:
      return !equal(machine_, left, right);
    case Comparison::less:
      return in_order(machine_, Order::less, left, right);
    case Comparison::less_equal:
      return in_order(machine_, Order::less_equal, left, right);
    case Comparison::greater:
      return in_order(machine_, Order::greater, left, right);
    case Comparison::greater_equal:
      return in_order(machine_, Order::greater_equal, left, right);
    case Comparison::in:
      return contains(machine_, right, left);
    case Comparison::not_in:
      break;
  }
  return !contains(machine_, right, left);
}

Value Evaluator::eval_node(const Compare& compare) {
  Value left = eval(*compare.first);
  for (const auto& [comparison, operand] : compare.rest) {
    Value right = eval(*operand);
    if (!holds(comparison, left, right)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Evaluator::eval_node(const Choice& choice) {
  if (truth(machine_, eval(*choice.test))) return eval(*choice.yes);
  if (choice.no) return eval(*choice.no);
  return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
}

Value Evaluator::eval_node(const GetAttribute& get) { return attribute(machine_, eval(*get.of), get.name); }

Value Evaluator::eval_node(const GetItem& get) {
  const Value of = eval(*get.of), index = eval(*get.index);
  return item(machine_, of, index);
}

Value Evaluator::eval_node(const GetSlice& get) {
  const auto bound = [this](const ExprPtr& expr) { return expr ? eval(*expr) : Value(None{}); };
  const Value of = eval(*get.of), begin = bound(get.begin), end = bound(get.end), step = bound(get.step);
  return slice(machine_, of, begin, end, step);
}

Arguments Evaluator::eval_arguments(const ArgumentList& list) {
  Arguments arguments{eval_all(list.positional), {}};
  for (const auto& [name, value] : list.named) arguments.named.emplace_back(name, eval(*value));
  if (list.spread)
    for (Value& one : items_of(machine_, eval(*list.spread))) arguments.positional.push_back(std::move(one));
  if (!list.spread_named) return arguments;
  const Value spread = eval(*list.spread_named);
  if (!spread.mapping()) fail("expected a mapping after **, found " + spread.type_name());
  for (const auto& [name, value] : spread.mapping()->entries) {
    machine_.budget.step();
    if (!name.text()) fail("keywords must be strings, found " + name.type_name());
    arguments.named.emplace_back(name.text()->bytes, value);
  }
  return arguments;
}

Value Evaluator::call(const CallOf& call, const Value* caller) {
  const Value of = eval(*call.of);
  Arguments arguments = eval_arguments(call.arguments);
  if (caller) arguments.named.emplace_back("caller", *caller);
  return jinja::call(machine_, of, arguments);
}

Value Evaluator::eval_node(const CallOf& of) { return call(of, nullptr); }

Value Evaluator::eval_node(const FilterOf& filter) {
  const Value of = filter.of ? eval(*filter.of) : *filtered_;
  const Arguments arguments = eval_arguments(filter.arguments);
  if (filter.filter == nullptr) fail("there is no filter named '" + filter.name + "'");
  return filter.filter(machine_, of, arguments);
}

Value Evaluator::eval_node(const TestOf& test) {
  const Value of = eval(*test.of);
  const Arguments arguments = eval_arguments(test.arguments);
  if (test.test == nullptr) fail("there is no test named '" + test.name + "'");
  return Value(test.test(machine_, of, arguments));
}

}  // namespace rlhf::jinja
