#pragma once

#include <cstdint>
#include <string>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

// Python's operators on values. They fail when Python does, with the same messages.

bool truth(Machine& machine, const Value& value);
bool equal(Machine& machine, const Value& a, const Value& b);
enum class Order { less, less_equal, greater, greater_equal };
bool in_order(Machine& machine, Order order, const Value& a, const Value& b);
inline bool less(Machine& machine, const Value& a, const Value& b) { return in_order(machine, Order::less, a, b); }
/// `item in container`.
bool contains(Machine& machine, const Value& container, const Value& item);

enum class Arithmetic { add, subtract, multiply, divide, floor_divide, modulo, power };
Value compute(Machine& machine, Arithmetic op, const Value& a, const Value& b);
Value negated(const Value& value);
Value unchanged(const Value& value);  ///< unary +

/// `text % values`, Python's printf-style formatting.
std::string percent_formatted(Machine& machine, const Text& text, const Value& values);

/// The items of a loop over the value. A generator returns each of its items only once.
Values items_of(Machine& machine, const Value& value);
/// len().
std::int64_t length(Machine& machine, const Value& value);

/// x[index], x.name and x[begin:end:step] with the rules of Jinja2's sandbox.
Value item(Machine& machine, const Value& of, const Value& index);
/// The attribute that Python's getattr finds, methods first; nullopt if there is none (an item may have that name).
std::optional<Value> own_attribute(Machine& machine, const Value& of, const std::string& name);
Value attribute(Machine& machine, const Value& of, const std::string& name);
Value slice(Machine& machine, const Value& of, const Value& begin, const Value& end, const Value& step);

Value call(Machine& machine, const Value& callee, const Arguments& arguments);

}  // namespace rlhf::jinja
