// Jinja2's tests.
#include "jinja/tests.h"

#include "jinja/filters.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/pieces.h"
#include "jinja/show.h"

namespace rlhf::jinja {
namespace {

void no_arguments(const Arguments& arguments) { const Params params("a test", arguments, {}); }

const Value& one_argument(const Arguments& arguments) {
  if (arguments.positional.size() + arguments.named.size() != 1) fail("a test: expected one argument");
  return arguments.positional.empty() ? arguments.named[0].second : arguments.positional[0];
}

template <bool (*holds)(const Value&)>
bool plain(Machine&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return holds(value);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.boolean() != nullptr; }
bool is_true(const Value& value) { return value.boolean() && *value.boolean(); }
bool is_false(const Value& value) { return value.boolean() && !*value.boolean(); }
bool is_integer(const Value& value) { return value.integer() != nullptr; }
bool is_float(const Value& value) { return value.real() != nullptr; }
bool is_number(const Value& value) { return value.number().has_value(); }
bool is_string(const Value& value) { return value.text() != nullptr; }
bool is_mapping(const Value& value) { return value.mapping() != nullptr; }
bool is_escaped(const Value& value) { return value.text() && value.text()->markup; }
bool is_callable(const Value& value) { return value.object() ? value.object()->callable() : value.is_undefined(); }
bool is_iterable(const Value& value) {
  return value.is_undefined() || value.text() || value.mapping() || value.sequence();
}
bool is_sequence(const Value& value) {
  const Sequence* sequence = value.sequence();
  if (sequence) return sequence->shape != Shape::view && sequence->shape != Shape::generator;
  return is_iterable(value);
}

template <bool (*holds)(std::string_view)>
bool of_text(Machine& machine, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return holds(to_text(machine, value));
}

bool divisible(Machine& machine, const Value& value, const Value& by) {
  return equal(machine, compute(machine, Arithmetic::modulo, value, by), Value(std::int64_t{0}));
}

bool is_odd(Machine& machine, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  const Value rest = compute(machine, Arithmetic::modulo, value, Value(std::int64_t{2}));
  return equal(machine, rest, Value(std::int64_t{1}));
}
bool is_even(Machine& machine, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return divisible(machine, value, Value(std::int64_t{2}));
}
bool is_divisible_by(Machine& machine, const Value& value, const Arguments& arguments) {
  return divisible(machine, value, one_argument(arguments));
}

bool is_equal(Machine& machine, const Value& value, const Arguments& arguments) {
  return equal(machine, value, one_argument(arguments));
}
bool is_not_equal(Machine& machine, const Value& value, const Arguments& arguments) {
  return !equal(machine, value, one_argument(arguments));
}
template <Order order>
bool is_in_order(Machine& machine, const Value& value, const Arguments& arguments) {
  return in_order(machine, order, value, one_argument(arguments));
}
bool is_in(Machine& machine, const Value& value, const Arguments& arguments) {
  return contains(machine, one_argument(arguments), value);
}
bool is_same_as(Machine&, const Value& value, const Arguments& arguments) {
  return value.same_as(one_argument(arguments));
}
void require_hashable(const Value& value) {
  if (value.mapping() || (value.sequence() && value.sequence()->shape == Shape::list))
    fail("unhashable type: '" + value.type_name() + "'");
}
bool names_filter(Machine&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  require_hashable(value);
  return value.text() && find_filter(value.text()->bytes);
}
bool names_test(Machine&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  require_hashable(value);
  return value.text() && find_test(value.text()->bytes);
}

struct Entry {
  std::string_view name;
  Test test;
};
constexpr Entry kTests[] = {
    {"!=", is_not_equal},
    {"<", is_in_order<Order::less>},
    {"<=", is_in_order<Order::less_equal>},
    {"==", is_equal},
    {">", is_in_order<Order::greater>},
    {">=", is_in_order<Order::greater_equal>},
    {"boolean", plain<is_boolean>},
    {"callable", plain<is_callable>},
    {"defined", plain<is_defined>},
    {"divisibleby", is_divisible_by},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"escaped", plain<is_escaped>},
    {"even", is_even},
    {"false", plain<is_false>},
    {"filter", names_filter},
    {"float", plain<is_float>},
    {"ge", is_in_order<Order::greater_equal>},
    {"greaterthan", is_in_order<Order::greater>},
    {"gt", is_in_order<Order::greater>},
    {"in", is_in},
    {"integer", plain<is_integer>},
    {"iterable", plain<is_iterable>},
    {"le", is_in_order<Order::less_equal>},
    {"lessthan", is_in_order<Order::less>},
    {"lower", of_text<all_lower>},
    {"lt", is_in_order<Order::less>},
    {"mapping", plain<is_mapping>},
    {"ne", is_not_equal},
    {"none", plain<is_none>},
    {"number", plain<is_number>},
    {"odd", is_odd},
    {"sameas", is_same_as},
    {"sequence", plain<is_sequence>},
    {"string", plain<is_string>},
    {"test", names_test},
    {"true", plain<is_true>},
    {"undefined", plain<is_undefined>},
    {"upper", of_text<all_upper>},
};

}  // namespace

Test find_test(std::string_view name) {
  for (const Entry& entry : kTests)
    if (entry.name == name) return entry.test;
  return nullptr;
}

}  // namespace rlhf::jinja
