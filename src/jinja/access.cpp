// Items, attributes, slices, iteration and calls.
#include <algorithm>

#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

std::string described(const Value& value) { return value.is_none() ? "None" : value.type_name() + " object"; }

Value missing(const Value& of, const std::string& name) {
  return Value::undefined("'" + described(of) + "' has no attribute '" + name + "'");
}

bool has_places(const Sequence& sequence) {
  return sequence.shape != Shape::view && sequence.shape != Shape::generator;
}

// The character at an index, which counts from the end if it is negative; empty if the index is out of range.
std::string_view character(std::string_view text, std::int64_t place) {
  const auto length = static_cast<std::int64_t>(length_of(text));
  if (place < 0) place += length;
  if (place < 0 || place >= length) return {};
  std::size_t begin = 0;
  if (length == static_cast<std::int64_t>(text.size()))
    begin = static_cast<std::size_t>(place);
  else
    for (std::int64_t i = 0; i < place; ++i) next_code_point(text, begin);
  std::size_t end = begin;
  next_code_point(text, end);
  return text.substr(begin, end - begin);
}

std::optional<Value> item_at(Machine& machine, const Value& of, std::int64_t place) {
  if (const Text* text = of.text()) {
    machine.budget.look_at(text->bytes.size());
    const std::string_view found = character(text->bytes, place);
    return found.empty() ? std::nullopt : std::optional(Value(std::string(found), text->markup));
  }
  const Sequence* sequence = of.sequence();
  if (sequence == nullptr || !has_places(*sequence)) return std::nullopt;
  const auto length = static_cast<std::int64_t>(sequence->items.size());
  if (place < 0) place += length;
  if (place < 0 || place >= length) return std::nullopt;
  return sequence->items[static_cast<std::size_t>(place)];
}

// The bounds of a slice, by Python's rules.
struct Bounds {
  std::int64_t begin, end, step;
};

std::optional<std::int64_t> bound(const Value& value) {
  if (value.is_none()) return std::nullopt;
  value.require_defined();
  if (const auto whole = value.whole()) return whole;
  fail("slice indices must be integers or None, found " + value.type_name());
}

std::int64_t clamped(std::int64_t place, std::int64_t length, bool backwards) {
  const std::int64_t low = backwards ? -1 : 0, high = backwards ? length - 1 : length;
  if (place < 0) place = place < -length ? -1 : place + length;
  return std::clamp(place, low, std::max(low, high));
}

Bounds bounds(const Value& begin, const Value& end, const Value& step, std::int64_t length) {
  const std::int64_t by = bound(step).value_or(1);
  if (by == 0) fail("slice step cannot be zero");
  const bool backwards = by < 0;
  const auto from = bound(begin), to = bound(end);
  return {from ? clamped(*from, length, backwards) : (backwards ? length - 1 : 0),
          to ? clamped(*to, length, backwards) : (backwards ? -1 : length), by};
}

// The indices that a slice selects, in order.
std::vector<std::size_t> places(const Bounds& of) {
  std::vector<std::size_t> taken;
  if (of.step > 0) {
    for (std::int64_t i = of.begin; i < of.end; i += of.step) {
      taken.push_back(static_cast<std::size_t>(i));
      if (of.step > of.end - i) break;
    }
  } else {
    for (std::int64_t i = of.begin; i > of.end; i += of.step) {
      taken.push_back(static_cast<std::size_t>(i));
      if (of.step < of.end - i) break;
    }
  }
  return taken;
}

Value text_slice(Machine& machine, const Text& text, const Value& begin, const Value& end, const Value& step) {
  machine.budget.look_at(2 * text.bytes.size());
  const Bounds range = bounds(begin, end, step, static_cast<std::int64_t>(length_of(text.bytes)));
  if (range.step == 1) {
    std::size_t from = 0;
    for (std::int64_t i = 0; i < range.begin; ++i) next_code_point(text.bytes, from);
    std::size_t to = from;
    for (std::int64_t i = range.begin; i < range.end; ++i) next_code_point(text.bytes, to);
    return make_text(machine.budget, text.bytes.substr(from, to - from), text.markup);
  }
  machine.budget.look_at(32 * text.bytes.size());  // more expensive than a search
  const std::vector<std::size_t> starts = character_starts(text.bytes);
  std::string taken;
  for (const std::size_t i : places(range)) taken.append(text.bytes, starts[i], starts[i + 1] - starts[i]);
  return make_text(machine.budget, std::move(taken), text.markup);
}

}  // namespace

std::optional<Value> own_attribute(Machine& machine, const Value& of, const std::string& name) {
  if (name.starts_with("__") && name.ends_with("__"))
    return Value::undefined("access to attribute '" + name + "' of '" + of.type_name() + "' object is unsafe");
  if (Object* object = of.object()) return object->attribute(machine, name);
  if (of.number()) return number_attribute(of, name);
  return method_of(of, name);
}

Values items_of(Machine& machine, const Value& value) {
  Values items;
  if (value.is_undefined()) return items;
  if (const Sequence* sequence = value.sequence()) {
    machine.budget.make((sequence->items.size() - sequence->taken) * sizeof(Value));
    items.assign(sequence->items.begin() + static_cast<std::ptrdiff_t>(sequence->taken), sequence->items.end());
    if (sequence->shape == Shape::generator) sequence->taken = sequence->items.size();
    return items;
  }
  if (const Mapping* mapping = value.mapping()) {
    machine.budget.make(mapping->entries.size() * sizeof(Value));
    for (const auto& entry : mapping->entries) items.push_back(entry.first);
    return items;
  }
  const Text* text = value.text();
  if (text == nullptr) fail("'" + value.type_name() + "' object is not iterable");
  machine.budget.make(length_of(text->bytes) * (sizeof(Value) + sizeof(Text)));
  for (std::size_t at = 0; at < text->bytes.size();) {
    const std::size_t begin = at;
    next_code_point(text->bytes, at);
    items.push_back(Value(text->bytes.substr(begin, at - begin)));
  }
  return items;
}

std::int64_t length(Machine& machine, const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.text()) {
    machine.budget.look_at(text->bytes.size());
    return static_cast<std::int64_t>(length_of(text->bytes));
  }
  if (const Mapping* mapping = value.mapping()) return static_cast<std::int64_t>(mapping->entries.size());
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr || sequence->shape == Shape::generator)
    fail("object of type '" + value.type_name() + "' has no len()");
  return static_cast<std::int64_t>(sequence->items.size());
}

Value item(Machine& machine, const Value& of, const Value& index) {
  of.require_defined();
  if (const Mapping* mapping = of.mapping()) {
    if (const Value* found = mapping->find(index)) return *found;
  } else if (const auto place = index.whole()) {
    if (const auto found = item_at(machine, of, *place)) return *found;
  }
  if (const Text* name = index.text()) {
    if (const auto found = own_attribute(machine, of, name->bytes)) return *found;
    return missing(of, name->bytes);
  }
  const auto place = index.whole();
  return Value::undefined(described(of) + " has no element " +
                          (place ? std::to_string(*place) : "of type " + index.type_name()));
}

Value attribute(Machine& machine, const Value& of, const std::string& name) {
  of.require_defined();
  if (const auto found = own_attribute(machine, of, name)) return *found;
  if (const Mapping* mapping = of.mapping())
    if (const Value* found = mapping->find(name)) return *found;
  return missing(of, name);
}

Value slice(Machine& machine, const Value& of, const Value& begin, const Value& end, const Value& step) {
  of.require_defined();
  if (const Text* text = of.text()) return text_slice(machine, *text, begin, end, step);
  const Sequence* sequence = of.sequence();
  if (sequence == nullptr || !has_places(*sequence)) fail("'" + of.type_name() + "' object is not subscriptable");
  const Bounds range = bounds(begin, end, step, static_cast<std::int64_t>(sequence->items.size()));
  const auto taken = places(range);
  if (sequence->shape == Shape::range) {
    const Value start(sequence->start), step_of_range(sequence->step);
    const auto number = [&](std::int64_t place) {
      return *compute(machine, Arithmetic::add, start,
                      compute(machine, Arithmetic::multiply, Value(place), step_of_range))
                  .integer();
    };
    const Value by = compute(machine, Arithmetic::multiply, step_of_range, Value(range.step));
    return make_range(machine.budget, number(range.begin), number(range.end), *by.integer(), taken.size());
  }
  machine.budget.make(taken.size() * sizeof(Value));
  Values items;
  for (const std::size_t i : taken) items.push_back(sequence->items[i]);
  return make_sequence(machine.budget, sequence->shape, std::move(items));
}

Value call(Machine& machine, const Value& callee, const Arguments& arguments) {
  callee.require_defined();
  if (Object* object = callee.object()) return object->call(machine, arguments);
  fail("'" + callee.type_name() + "' object is not callable");
}

}  // namespace rlhf::jinja
