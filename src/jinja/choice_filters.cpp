// Filters that take other filters, tests and attributes (map, select, reject and the like), and default.
#include <algorithm>
#include <iterator>

#include "jinja/filter_groups.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/tests.h"

namespace rlhf::jinja {
namespace {

const std::string& name_of(const Value& value, const char* what) {
  value.require_defined();
  if (!value.text()) fail(std::string("expected the name of a ") + what + ", found " + value.type_name());
  return value.text()->bytes;
}

// The arguments from `from` on, which belong to the filter or test that the first ones name.
Arguments rest_of(const Arguments& arguments, std::size_t from) {
  return {{arguments.positional.begin() + static_cast<std::ptrdiff_t>(from), arguments.positional.end()},
          arguments.named};
}

Value map_attribute(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("map", arguments, {"attribute", "default"}, 1);
  const Getter getter(params[0], params.has_value(1) ? params[1] : Value());
  Values mapped;
  for (const Value& one : items_of(machine, value)) mapped.push_back(getter.of(machine, one));
  return make_generator(machine.budget, std::move(mapped));
}

Value map(Machine& machine, const Value& value, const Arguments& arguments) {
  if (!truth(machine, value)) return make_generator(machine.budget, {});
  if (arguments.positional.empty() && !arguments.named.empty()) return map_attribute(machine, value, arguments);
  if (arguments.positional.empty()) fail("map requires a filter argument");
  const std::string& name = name_of(arguments.positional[0], "filter");
  const Filter filter = find_filter(name);
  if (filter == nullptr) fail("there is no filter named '" + name + "'");
  const Arguments rest = rest_of(arguments, 1);
  Values mapped;
  for (const Value& one : items_of(machine, value)) {
    const Evaluation nested(machine, machine.line);  // counts the nesting: the filter may be map again
    mapped.push_back(filter(machine, one, rest));
  }
  return make_generator(machine.budget, std::move(mapped));
}

Value chosen(Machine& machine, const Value& value, const Arguments& arguments, bool by_attribute, bool wanted) {
  if (!truth(machine, value)) return make_generator(machine.budget, {});
  if (by_attribute && arguments.positional.empty()) fail("Missing parameter for attribute name");
  const Getter getter = by_attribute ? Getter(arguments.positional[0]) : Getter();
  Test test = nullptr;
  Arguments rest;
  if (arguments.positional.size() > by_attribute) {
    const std::string& name = name_of(arguments.positional[by_attribute], "test");
    test = find_test(name);
    if (test == nullptr) fail("there is no test named '" + name + "'");
    rest = rest_of(arguments, 1 + by_attribute);
  }
  Values kept;
  for (const Value& one : items_of(machine, value)) {
    machine.budget.step();
    const Value part = getter.of(machine, one);
    if ((test ? test(machine, part, rest) : truth(machine, part)) == wanted) kept.push_back(one);
  }
  return make_generator(machine.budget, std::move(kept));
}
Value select(Machine& m, const Value& value, const Arguments& a) { return chosen(m, value, a, false, true); }
Value reject(Machine& m, const Value& value, const Arguments& a) { return chosen(m, value, a, false, false); }
Value selectattr(Machine& m, const Value& value, const Arguments& a) { return chosen(m, value, a, true, true); }
Value rejectattr(Machine& m, const Value& value, const Arguments& a) { return chosen(m, value, a, true, false); }

Value or_default(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("default", arguments, {"default_value", "boolean"});
  const bool also_falsy = params.flag(machine, 1, false);
  if (value.is_undefined() || (also_falsy && !truth(machine, value))) return params.value(0, Value(std::string()));
  return value;
}

// Unlike a subscript, this does not look at items.
Value attr(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("attr", arguments, {"name"}, 1);
  value.require_defined();
  const std::string& name = params.text(0);
  const auto found = own_attribute(machine, value, name);
  return found ? *found : Value::undefined("'" + value.type_name() + "' has no attribute '" + name + "'");
}

Value random(Machine&, const Value&, const Arguments&) { fail("the filter 'random' is not supported"); }

constexpr FilterEntry kChoiceFilters[] = {
    {"attr", attr},     {"random", random},         {"d", or_default},  {"default", or_default},    {"map", map},
    {"reject", reject}, {"rejectattr", rejectattr}, {"select", select}, {"selectattr", selectattr},
};

}  // namespace

FilterGroup choice_filters() { return {kChoiceFilters, std::size(kChoiceFilters)}; }

Getter::Getter(const Value& attribute, Value otherwise) : otherwise_(std::move(otherwise)) {
  const Text* text = attribute.text();
  if (text == nullptr) {
    if (!attribute.is_none()) parts_.push_back(attribute);
    return;
  }
  const std::string& path = text->bytes;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const bool number = !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
    parts_.push_back(number ? Value(static_cast<std::int64_t>(std::stoi(part))) : Value(part));
    begin = end + 1;
  }
}

Value Getter::of(Machine& machine, const Value& item) const {
  Value part = item;
  for (const Value& name : parts_) {
    part = jinja::item(machine, part, name);
    if (part.is_undefined() && !otherwise_.is_undefined()) part = otherwise_;
  }
  return part;
}

}  // namespace rlhf::jinja
