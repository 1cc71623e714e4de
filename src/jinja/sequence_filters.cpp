// Filters on sequences and mappings.
#include <algorithm>
#include <iterator>

#include "jinja/filter_groups.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

Value length_filter(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("length", arguments, {});
  return Value(length(machine, value));
}

Value first(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("first", arguments, {});
  const Sequence* sequence = value.sequence();
  if (sequence && sequence->taken < sequence->items.size())
    return sequence->items[sequence->shape == Shape::generator ? sequence->taken++ : 0];
  const Values items = items_of(machine, value);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value last(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("last", arguments, {});
  if (value.sequence() && value.sequence()->shape == Shape::generator)
    fail("'generator' object is not reversible; hint: `| list` makes a list of it");
  const Values items = items_of(machine, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value list(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("list", arguments, {});
  return make_list(machine.budget, items_of(machine, value));
}

Value reverse(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("reverse", arguments, {});
  const Value none{None{}};
  if (value.text()) return slice(machine, value, none, none, Value(std::int64_t{-1}));
  Values items = items_of(machine, value);
  std::ranges::reverse(items);
  const bool generator = value.sequence() && value.sequence()->shape == Shape::generator;
  return make_sequence(machine.budget, generator ? Shape::list : Shape::generator, std::move(items));
}

// Reads attribute paths separated by commas.
std::vector<Getter> getters(const Params& params, std::size_t i) {
  std::vector<Getter> all;
  if (!params.has_value(i)) return {Getter()};
  if (!params[i].text()) return {Getter(params[i])};
  const std::string& names = params.text(i);
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    all.emplace_back(Value(names.substr(begin, end - begin)));
    begin = end + 1;
  }
  return all;
}

struct Keyed {
  Values keys;
  Value value;
};

// Compares several keys like Python's lists: the first that differ decide.
bool keys_in_order(Machine& machine, const Values& a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!equal(machine, a[i], b[i])) return less(machine, a[i], b[i]);
  return false;
}

// Compares a single key directly, so that keys without an order fail even if they are equal.
bool key_in_order(Machine& machine, const Values& a, const Values& b) { return less(machine, a[0], b[0]); }

Values sorted(Machine& machine, std::vector<Keyed> all, bool reverse,
              bool (*in_order)(Machine&, const Values&, const Values&)) {
  std::ranges::stable_sort(all, [&](const Keyed& a, const Keyed& b) {
    return reverse ? in_order(machine, b.keys, a.keys) : in_order(machine, a.keys, b.keys);
  });
  Values values;
  for (Keyed& one : all) values.push_back(std::move(one.value));
  return values;
}

Value sort(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const bool case_sensitive = params.flag(machine, 1, false);
  const std::vector<Getter> parts = getters(params, 2);
  std::vector<Keyed> all;
  for (Value& one : items_of(machine, value)) {
    Keyed keyed;
    for (const Getter& part : parts) keyed.keys.push_back(key_of(machine, part.of(machine, one), case_sensitive));
    keyed.value = std::move(one);
    all.push_back(std::move(keyed));
  }
  return make_list(machine.budget, sorted(machine, std::move(all), params.flag(machine, 0, false), keys_in_order));
}

Value dictsort(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  value.require_defined();
  if (!value.mapping()) fail("'" + value.type_name() + "' object has no attribute 'items'");
  const std::string by = params.given(1) ? params.text(1) : "key";
  if (by != "key" && by != "value") fail("You can only sort by either \"key\" or \"value\"");
  const bool case_sensitive = params.flag(machine, 0, false);
  std::vector<Keyed> all;
  for (const auto& [key, entry] : value.mapping()->entries)
    all.push_back(
        {{key_of(machine, by == "key" ? key : entry, case_sensitive)}, make_tuple(machine.budget, {key, entry})});
  return make_list(machine.budget, sorted(machine, std::move(all), params.flag(machine, 2, false), key_in_order));
}

Value unique(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("unique", arguments, {"case_sensitive", "attribute"});
  const Getter getter = params.has_value(1) ? Getter(params[1]) : Getter();
  Mapping seen;
  Values kept;
  for (const Value& one : items_of(machine, value)) {
    const Value key = key_of(machine, getter.of(machine, one), params.flag(machine, 0, false));
    machine.budget.step();
    if (seen.find(key) != nullptr) continue;
    seen.set(key, Value(true));
    kept.push_back(one);
  }
  return make_generator(machine.budget, std::move(kept));
}

Value extreme(Machine& machine, const Value& value, const Arguments& arguments, bool largest) {
  const Params params(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const Getter getter = params.has_value(1) ? Getter(params[1]) : Getter();
  Value best, best_key;
  bool any = false;
  for (const Value& one : items_of(machine, value)) {
    const Value key = key_of(machine, getter.of(machine, one), params.flag(machine, 0, false));
    if (any && !(largest ? in_order(machine, Order::greater, key, best_key) : less(machine, key, best_key))) continue;
    best = one;
    best_key = key;
    any = true;
  }
  return any ? best : Value::undefined("No aggregated item, sequence was empty.");
}
Value min(Machine& m, const Value& value, const Arguments& a) { return extreme(m, value, a, false); }
Value max(Machine& m, const Value& value, const Arguments& a) { return extreme(m, value, a, true); }

Value sum(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("sum", arguments, {"attribute", "start"});
  const Getter getter = params.has_value(0) ? Getter(params[0]) : Getter();
  Value total = params.value(1, Value(std::int64_t{0}));
  if (total.text()) fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& one : items_of(machine, value))
    total = compute(machine, Arithmetic::add, total, getter.of(machine, one));
  return total;
}

Value items(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("items", arguments, {});
  Values pairs;
  if (!value.is_undefined() && !value.mapping()) fail("Can only get item pairs from a mapping.");
  if (value.mapping())
    for (const auto& [key, entry] : value.mapping()->entries) pairs.push_back(make_tuple(machine.budget, {key, entry}));
  return make_generator(machine.budget, std::move(pairs));
}

Value batch(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = params.whole(0, 1);
  if (size < 1 || size > static_cast<std::int64_t>(kMaxRange)) fail("batch(): a size outside 1 to 100000");
  const auto full = static_cast<std::size_t>(size);
  Values batches, current;
  for (const Value& one : items_of(machine, value)) {
    if (current.size() == full) batches.push_back(make_list(machine.budget, std::exchange(current, {})));
    current.push_back(one);
  }
  if (!current.empty()) {
    if (params.has_value(1)) current.resize(full, params[1]);
    batches.push_back(make_list(machine.budget, std::move(current)));
  }
  return make_generator(machine.budget, std::move(batches));
}

Value slices(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t count = params.whole(0, 1);
  if (count < 1 || count > static_cast<std::int64_t>(kMaxRange)) fail("slice(): a count outside 1 to 100000");
  const Values all = items_of(machine, value);
  const std::size_t each = all.size() / static_cast<std::size_t>(count),
                    more = all.size() % static_cast<std::size_t>(count);
  Values parts;
  auto from = all.begin();
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const auto size = static_cast<std::ptrdiff_t>(each + (i < more));
    Values part(from, from + size);
    from += size;
    if (params.has_value(1) && i >= more) part.push_back(params[1]);
    parts.push_back(make_list(machine.budget, std::move(part)));
  }
  return make_generator(machine.budget, std::move(parts));
}

Value groupby(Machine& machine, const Value& value, const Arguments& arguments) {
  const Params params("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const Getter getter(params[0], params.has_value(1) ? params[1] : Value());
  const auto part = [&](const Value& one) { return getter.of(machine, one); };
  const auto key = [&](const Value& one) { return key_of(machine, part(one), params.flag(machine, 2, false)); };
  std::vector<Keyed> all;
  for (Value& one : items_of(machine, value)) {
    Values keys = {key(one)};
    all.push_back({std::move(keys), std::move(one)});
  }
  Values groups, current;
  const auto finish = [&] {
    if (current.empty()) return;
    Values pair = {part(current.front()), make_list(machine.budget, current)};
    groups.push_back(make_sequence(machine.budget, Shape::tuple, std::move(pair), "group"));
    current.clear();
  };
  for (const Value& one : sorted(machine, std::move(all), false, key_in_order)) {
    if (!current.empty() && !equal(machine, key(current.front()), key(one))) finish();
    current.push_back(one);
  }
  finish();
  return make_list(machine.budget, std::move(groups));
}

constexpr FilterEntry kSequenceFilters[] = {
    {"batch", batch},   {"count", length_filter}, {"dictsort", dictsort},    {"first", first}, {"groupby", groupby},
    {"items", items},   {"last", last},           {"length", length_filter}, {"list", list},   {"max", max},
    {"min", min},       {"reverse", reverse},     {"slice", slices},         {"sort", sort},   {"sum", sum},
    {"unique", unique},
};

}  // namespace

FilterGroup sequence_filters() { return {kSequenceFilters, std::size(kSequenceFilters)}; }

Value key_of(Machine& machine, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.text()) return value;
  machine.budget.look_at(16 * value.text()->bytes.size());
  return make_text(machine.budget, to_lower(value.text()->bytes));
}

}  // namespace rlhf::jinja
