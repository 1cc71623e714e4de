// Scopes, and the loop object.
#include "jinja/scope.h"

#include <algorithm>

#include "jinja/operators.h"
#include "jinja/params.h"

namespace rlhf::jinja {

void Scope::set(const std::string& name, Value value) {
  for (auto& [known, old] : names) {
    if (known != name) continue;
    old = std::move(value);
    return;
  }
  names.emplace_back(name, std::move(value));
}

const Value* Scope::find(std::string_view name) const {
  for (const auto& [known, value] : names)
    if (known == name) return &value;
  return nullptr;
}

Loop::Loop(Values items, std::function<bool(const Value&)> passes, std::int64_t depth)
    : items_(std::move(items)), passes_(std::move(passes)), level_(depth) {
  for (const Value& item : items_) depth_ = std::max(depth_, item.depth() + 1);
  if (!passes_) length_ = static_cast<std::int64_t>(items_.size());
}

const Value* Loop::peek() {
  if (!coming_.empty()) return &coming_.back();
  while (read_ < items_.size()) {
    const Value& item = items_[read_++];
    if (passes_ && !passes_(item)) continue;
    coming_.push_back(item);
    return &coming_.back();
  }
  return nullptr;
}

bool Loop::advance() {
  const Value* next = peek();
  if (next == nullptr) return false;
  before_ = std::move(current_);
  current_ = *next;
  coming_.pop_back();
  ++index0_;
  return true;
}

std::int64_t Loop::length() {
  if (length_) return *length_;
  Values passed(coming_.rbegin(), coming_.rend());
  while (read_ < items_.size()) {
    const Value& item = items_[read_++];
    if (!passes_ || passes_(item)) passed.push_back(item);
  }
  length_ = index0_ + 1 + static_cast<std::int64_t>(passed.size());
  coming_.assign(passed.rbegin(), passed.rend());
  return *length_;
}

void Loop::clear() {
  items_.clear();
  coming_.clear();
  before_ = current_ = Value();
  last_changed_.reset();
}

std::string Loop::shown(Machine&) {
  return "<LoopContext " + std::to_string(index0_ + 1) + "/" + std::to_string(length()) + ">";
}

Value Loop::call(Machine&, const Arguments& arguments) {
  const Params params("loop", arguments, {"iterable"}, 1);
  if (!again_) fail("the loop must have the 'recursive' marker to be called recursively");
  const auto again = again_;  // the loop may end meanwhile
  return again(params[0], level_ + 1);
}

Value Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) fail("no items for cycling given");
  return arguments.positional[static_cast<std::size_t>(index0_) % arguments.positional.size()];
}

Value Loop::changed(Machine& machine, const Arguments& arguments) {
  if (!last_changed_) machine.changeable.push_back(shared_from_this());
  const auto same = [&](const Value& a, const Value& b) { return equal(machine, a, b); };
  const bool known = last_changed_ && std::ranges::equal(*last_changed_, arguments.positional, same);
  last_changed_ = arguments.positional;
  return Value(!known);
}

std::optional<Value> Loop::attribute(Machine&, const std::string& name) {
  const auto self = [this] { return Value(std::static_pointer_cast<Object>(shared_from_this())); };
  const auto method = [&](Native native) {
    return Value(std::static_pointer_cast<Object>(std::make_shared<Function>(native, self())));
  };
  if (name == "index0") return Value(index0_);
  if (name == "index") return Value(index0_ + 1);
  if (name == "first") return Value(index0_ == 0);
  if (name == "last") return Value(peek() == nullptr);
  if (name == "length") return Value(length());
  if (name == "revindex") return Value(length() - index0_);
  if (name == "revindex0") return Value(length() - index0_ - 1);
  if (name == "depth") return Value(level_ + 1);
  if (name == "depth0") return Value(level_);
  if (name == "previtem") return index0_ == 0 ? Value::undefined("there is no previous item") : before_;
  if (name == "nextitem") {
    const Value* next = peek();
    return next ? *next : Value::undefined("there is no next item");
  }
  if (name == "cycle")
    return method([](Machine&, const Value& loop, const Arguments& arguments) {
      return static_cast<Loop*>(loop.object())->cycle(arguments);
    });
  if (name == "changed")
    return method([](Machine& machine, const Value& loop, const Arguments& arguments) {
      return static_cast<Loop*>(loop.object())->changed(machine, arguments);
    });
  return std::nullopt;
}

}  // namespace rlhf::jinja
