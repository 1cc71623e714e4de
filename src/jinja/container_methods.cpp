// Methods of dict, list and tuple.
#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>

#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"

namespace rlhf::jinja {
namespace {

// dict.get returns None if it has no default.
Value get(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("get", arguments, {"", ""}, 1);
  const Value& key = params[0];
  if (key.mapping() || (key.sequence() && key.sequence()->shape == Shape::list))
    fail("unhashable type: '" + key.type_name() + "'");
  const Value* found = self.mapping()->find(key);
  return found ? *found : params.value(1, Value(None{}));
}

Value items(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("items", arguments, {});
  Values pairs;
  for (const auto& [key, value] : self.mapping()->entries) pairs.push_back(make_tuple(machine.budget, {key, value}));
  return make_sequence(machine.budget, Shape::view, std::move(pairs), "dict_items");
}

Value keys(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("keys", arguments, {});
  return make_sequence(machine.budget, Shape::view, items_of(machine, self), "dict_keys");
}

Value values(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("values", arguments, {});
  Values all;
  for (const auto& entry : self.mapping()->entries) all.push_back(entry.second);
  return make_sequence(machine.budget, Shape::view, std::move(all), "dict_values");
}

Value fromkeys(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("fromkeys", arguments, {"", ""}, 1);
  Mapping mapping;
  for (const Value& key : items_of(machine, params[0])) mapping.set(key, params.value(1, Value(None{})));
  return make_mapping(machine.budget, std::move(mapping));
}

Value isdisjoint(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("isdisjoint", arguments, {""}, 1);
  for (const Value& one : items_of(machine, params[0]))
    if (contains(machine, self, one)) return Value(false);
  return Value(true);
}

Value copy(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("copy", arguments, {});
  return self;  // values are immutable, so a copy is not needed
}

Value count(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("count", arguments, {""}, 1);
  const Values& all = self.sequence()->items;
  return Value(static_cast<std::int64_t>(
      std::count_if(all.begin(), all.end(), [&](const Value& one) { return equal(machine, one, params[0]); })));
}

Value index(Machine& machine, const Value& self, const Arguments& arguments) {
  const Params params("index", arguments, {"", "", ""}, 1);
  const Values& all = self.sequence()->items;
  const auto size = static_cast<std::int64_t>(all.size());
  const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const auto from = place(params.whole(1, 0)), to = std::max(from, place(params.whole(2, size)));
  const auto end = all.begin() + to;
  auto found = std::find_if(all.begin() + from, end, [&](const Value& one) { return equal(machine, one, params[0]); });
  if (found == end) found = all.end();
  if (found == all.end()) fail("index(): the value is not in the " + self.type_name());
  return Value(static_cast<std::int64_t>(found - all.begin()));
}

struct Method {
  std::string_view name;
  Native native;
};
constexpr Method kMappingMethods[] = {{"get", get},       {"items", items}, {"keys", keys},
                                      {"values", values}, {"copy", copy},   {"fromkeys", fromkeys}};
constexpr Method kViewMethods[] = {{"isdisjoint", isdisjoint}};
constexpr Method kSequenceMethods[] = {{"count", count}, {"index", index}, {"copy", copy}};

constexpr std::string_view kChangeMapping[] = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::string_view kChangeList[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};

template <class Methods>
std::optional<Native> find_method(const Methods& methods, std::string_view name) {
  for (const Method& method : methods)
    if (method.name == name) return method.native;
  return std::nullopt;
}

bool changes(const Value& self, std::string_view name) {
  if (self.mapping()) return std::ranges::find(kChangeMapping, name) != std::end(kChangeMapping);
  const Sequence* list = self.sequence();
  return list && list->shape == Shape::list && std::ranges::find(kChangeList, name) != std::end(kChangeList);
}

}  // namespace

std::optional<Native> container_method(const Value& self, const std::string& name) {
  if (self.mapping()) {
    return find_method(kMappingMethods, name);
  }
  const Sequence* sequence = self.sequence();
  if (sequence == nullptr || sequence->shape == Shape::generator) return std::nullopt;
  if (sequence->shape == Shape::view)
    return sequence->label == "dict_values" ? std::nullopt : find_method(kViewMethods, name);
  if (sequence->label == "group") return std::nullopt;
  if (name == "copy" && sequence->shape != Shape::list) return std::nullopt;
  return find_method(kSequenceMethods, name);
}

std::optional<Value> method_of(const Value& self, const std::string& name) {
  if (changes(self, name))
    return Value::undefined("access to attribute '" + name + "' of '" + self.type_name() + "' object is unsafe");
  const Sequence* sequence = self.sequence();
  if (sequence && sequence->label == "group" && (name == "grouper" || name == "list"))
    return sequence->items[name == "list"];
  if (sequence && sequence->shape == Shape::range) {
    if (name == "start") return Value(sequence->start);
    if (name == "stop") return Value(sequence->stop);
    if (name == "step") return Value(sequence->step);
  }
  if (self.text() && self.text()->markup)
    if (const auto native = markup_method(name))
      return Value(std::static_pointer_cast<Object>(std::make_shared<Function>(*native, self)));
  const auto native = self.text() ? text_method(name) : container_method(self, name);
  if (!native) return std::nullopt;
  return Value(std::static_pointer_cast<Object>(std::make_shared<Function>(*native, self)));
}

}  // namespace rlhf::jinja
