// Values with Python's semantics.
#include "jinja/value.h"

#include <algorithm>
#include <cmath>

namespace rlhf::jinja {
namespace {

constexpr std::size_t kIndexedFrom = 8;  // smaller mappings are searched linearly

// A text that identifies a key: equal keys have equal texts (1 == 1.0 == True), different keys different texts.
std::optional<std::string> identity(const Value& key) {
  if (const Text* text = key.text()) return "s" + text->bytes;
  if (const auto whole = key.whole()) return "i" + std::to_string(*whole);
  if (const double* real = key.real()) {
    if (std::trunc(*real) == *real && std::abs(*real) < 9e15)
      return "i" + std::to_string(static_cast<std::int64_t>(*real));
    return "f" + std::to_string(std::hash<double>()(*real));
  }
  if (key.is_none()) return "n";
  if (key.is_undefined()) return "u";
  const Sequence* tuple = key.sequence();
  if (tuple == nullptr || tuple->shape != Shape::tuple) return std::nullopt;
  std::string whole = "t";
  for (const Value& item : tuple->items) {
    const auto part = identity(item);
    if (!part) return std::nullopt;
    whole += std::to_string(part->size()) + ":" + *part;
    if (whole.size() > kMaxText) Budget::stop("a key of more than 16 MiB");
  }
  return whole;
}

int depth_of(const Values& items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return depth + 1;
}

void check_depth(int depth) {
  if (depth > kMaxValueDepth) Budget::stop("lists and mappings nested deeper than 100");
}

}  // namespace

Value Value::undefined(std::string why) {
  Value value;
  value.held_ = Undefined{std::make_shared<const std::string>(std::move(why))};
  return value;
}

std::optional<std::int64_t> Value::whole() const {
  if (const bool* yes = boolean()) return *yes ? 1 : 0;
  if (const std::int64_t* value = integer()) return *value;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const double* value = real()) return *value;
  if (const auto value = whole()) return static_cast<double>(*value);
  return std::nullopt;
}

void Value::require_defined() const {
  if (const Undefined* undefined = std::get_if<Undefined>(&held_))
    fail(undefined->why ? *undefined->why : "a value is undefined");
}

bool Value::same_as(const Value& other) const {
  if (held_.index() != other.held_.index()) return false;
  if (const bool* yes = boolean()) return *yes == *other.boolean();
  if (const std::int64_t* value = integer()) return *value == *other.integer() && *value >= -5 && *value <= 256;
  if (text()) return text() == other.text();
  if (sequence()) return sequence() == other.sequence();
  if (mapping()) return mapping() == other.mapping();
  if (object()) return object() == other.object();
  return is_none();
}

int Value::depth() const {
  if (const Sequence* items = sequence()) return items->depth;
  if (const Mapping* entries = mapping()) return entries->depth;
  if (const Object* thing = object()) return thing->depth();
  return 0;
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (boolean()) return "bool";
  if (integer()) return "int";
  if (real()) return "float";
  if (const Text* value = text()) return value->markup ? "Markup" : "str";
  if (mapping()) return "dict";
  if (const Object* thing = object()) return thing->type_name();
  switch (sequence()->shape) {
    case Shape::list:
      return "list";
    case Shape::tuple:
      return "tuple";
    case Shape::range:
      return "range";
    case Shape::view:
      return sequence()->label;
    case Shape::generator:
      break;
  }
  return "generator";
}

Value make_sequence(Budget& budget, Shape shape, Values items, std::string label) {
  budget.make(items.size() * sizeof(Value));
  const int depth = depth_of(items);
  check_depth(depth);
  return Value(std::make_shared<const Sequence>(
      Sequence{.shape = shape, .items = std::move(items), .label = std::move(label), .depth = depth}));
}

Value make_range(Budget& budget, std::int64_t start, std::int64_t stop, std::int64_t step, std::size_t count) {
  budget.make(count * sizeof(Value));
  Sequence range;
  range.shape = Shape::range;
  range.start = start;
  range.stop = stop;
  range.step = step;
  auto number = static_cast<std::uint64_t>(start);  // unsigned, because the number after the last one may overflow
  for (std::size_t i = 0; i < count; ++i, number += static_cast<std::uint64_t>(step))
    range.items.push_back(Value(static_cast<std::int64_t>(number)));
  return Value(std::make_shared<const Sequence>(std::move(range)));
}

Value make_text(Budget& budget, std::string bytes, bool markup) {
  budget.make(bytes.size());
  return Value(std::move(bytes), markup);
}

std::optional<std::size_t> Mapping::place(const std::string& wanted) const {
  if (entries.size() > kIndexedFrom) {
    const auto found = index_.find(wanted);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (identity(entries[i].first) == wanted) return i;
  return std::nullopt;
}

const Value* Mapping::find(const Value& key) const {
  if (const Text* text = key.text()) return find(text->bytes);
  const auto wanted = identity(key);
  const auto found = wanted ? place(*wanted) : std::nullopt;
  return found ? &entries[*found].second : nullptr;
}

const Value* Mapping::find(std::string_view key) const {
  if (entries.size() > kIndexedFrom) {
    const auto found = index_.find("s" + std::string(key));
    return found == index_.end() ? nullptr : &entries[found->second].second;
  }
  for (const auto& [name, value] : entries) {
    const Text* text = name.text();
    if (text && text->bytes == key) return &value;
  }
  return nullptr;
}

void Mapping::set(const Value& key, Value value) {
  const auto wanted = identity(key);
  if (!wanted) fail("a key of a mapping must be a text, a number or a tuple of them, found " + key.type_name());
  depth = std::max({depth, key.depth() + 1, value.depth() + 1});
  check_depth(depth);
  if (const auto found = place(*wanted)) {
    entries[*found].second = std::move(value);
    return;
  }
  entries.emplace_back(key, std::move(value));
  if (entries.size() == kIndexedFrom + 1) {  // from this size on the index is used
    for (std::size_t i = 0; i < entries.size(); ++i) index_.emplace(*identity(entries[i].first), i);
  } else if (entries.size() > kIndexedFrom + 1) {
    index_.emplace(*wanted, entries.size() - 1);
  }
}

Value make_mapping(Budget& budget, Mapping mapping) {
  budget.make(mapping.entries.size() * 2 * sizeof(Value));
  return Value(std::make_shared<const Mapping>(std::move(mapping)));
}

std::string Object::shown(Machine&) {
  fail("printing a " + type_name() + ", which has no text; hint: convert a generator with `| list`");
}

Value Object::call(Machine&, const Arguments&) { fail("'" + type_name() + "' object is not callable"); }

std::optional<Value> Object::attribute(Machine&, const std::string&) { return std::nullopt; }

}  // namespace rlhf::jinja
