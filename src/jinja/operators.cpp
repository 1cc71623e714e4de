// Comparisons and membership with Python's rules.
#include "jinja/operators.h"

#include <algorithm>

#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr const char* kOrderSigns[] = {"<", "<=", ">", ">="};

template <class T>
bool holds(Order order, const T& a, const T& b) {
  switch (order) {
    case Order::less:
      return a < b;
    case Order::less_equal:
      return a <= b;
    case Order::greater:
      return a > b;
    case Order::greater_equal:
      break;
  }
  return a >= b;
}

// A long double represents every 64-bit integer and every double exactly.
long double exact(const Value& number) {
  const auto whole = number.whole();
  return whole ? static_cast<long double>(*whole) : static_cast<long double>(*number.real());
}

bool equal_mappings(Machine& machine, const Mapping& a, const Mapping& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(machine, value, *other)) return false;
  }
  return true;
}

bool equal_sequences(Machine& machine, const Sequence& a, const Sequence& b) {
  if (&a == &b) return true;
  if (a.shape != b.shape || a.shape == Shape::view || a.shape == Shape::generator) return false;
  if (a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!equal(machine, a.items[i], b.items[i])) return false;
  return true;
}

bool sequences_in_order(Machine& machine, Order order, const Sequence& a, const Sequence& b) {
  const std::size_t common = std::min(a.items.size(), b.items.size());
  for (std::size_t i = 0; i < common; ++i)
    if (!equal(machine, a.items[i], b.items[i])) return in_order(machine, order, a.items[i], b.items[i]);
  return holds(order, a.items.size(), b.items.size());
}

bool can_be_ordered(const Sequence& a, const Sequence& b) {
  return a.shape == b.shape && (a.shape == Shape::list || a.shape == Shape::tuple);
}

bool is_in(Machine& machine, const Sequence& sequence, const Value& wanted) {
  if (sequence.shape != Shape::generator) {
    return std::any_of(sequence.items.begin(), sequence.items.end(),
                       [&](const Value& one) { return equal(machine, one, wanted); });
  }
  while (sequence.taken < sequence.items.size())
    if (equal(machine, sequence.items[sequence.taken++], wanted)) return true;
  return false;
}

}  // namespace

bool truth(Machine&, const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto number = value.number()) return *number != 0;
  if (const Text* text = value.text()) return !text->bytes.empty();
  if (const Mapping* mapping = value.mapping()) return !mapping->entries.empty();
  if (const Sequence* sequence = value.sequence())
    return sequence->shape == Shape::generator || !sequence->items.empty();
  return true;
}

bool equal(Machine& machine, const Value& a, const Value& b) {
  machine.budget.step();
  if (a.number() && b.number()) return exact(a) == exact(b);
  if (a.text() && b.text()) {
    machine.budget.look_at(std::min(a.text()->bytes.size(), b.text()->bytes.size()));
    return a.text()->bytes == b.text()->bytes;
  }
  if (a.mapping() && b.mapping()) return equal_mappings(machine, *a.mapping(), *b.mapping());
  if (a.sequence() && b.sequence()) return equal_sequences(machine, *a.sequence(), *b.sequence());
  if (a.object() && b.object()) return a.object() == b.object();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

bool in_order(Machine& machine, Order order, const Value& a, const Value& b) {
  machine.budget.step();
  a.require_defined();
  b.require_defined();
  if (a.number() && b.number()) return holds(order, exact(a), exact(b));
  if (a.text() && b.text()) {
    machine.budget.look_at(std::min(a.text()->bytes.size(), b.text()->bytes.size()));
    return holds(order, a.text()->bytes, b.text()->bytes);
  }
  if (a.sequence() && b.sequence() && can_be_ordered(*a.sequence(), *b.sequence()))
    return sequences_in_order(machine, order, *a.sequence(), *b.sequence());
  fail(std::string("'") + kOrderSigns[static_cast<int>(order)] + "' not supported between instances of '" +
       a.type_name() + "' and '" + b.type_name() + "'");
}

bool contains(Machine& machine, const Value& container, const Value& wanted) {
  if (container.is_undefined()) return false;
  if (const Text* text = container.text()) {
    wanted.require_defined();
    if (!wanted.text()) fail("'in <string>' requires string as left operand, not " + wanted.type_name());
    machine.budget.look_at(text->bytes.size());
    return find_bytes(text->bytes, wanted.text()->bytes) != std::string_view::npos;
  }
  if (const Mapping* mapping = container.mapping()) {
    if (wanted.mapping() || (wanted.sequence() && wanted.sequence()->shape == Shape::list))
      fail("unhashable type: '" + wanted.type_name() + "'");
    return mapping->find(wanted) != nullptr;
  }
  if (const Sequence* sequence = container.sequence()) return is_in(machine, *sequence, wanted);
  fail("argument of type '" + container.type_name() + "' is not iterable");
}

}  // namespace rlhf::jinja
