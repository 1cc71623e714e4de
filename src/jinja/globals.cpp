// The functions that every template can call.
#include "jinja/globals.h"

#include <algorithm>
#include <memory>

#include "jinja/clock.h"
#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"
#include "jinja/show.h"

namespace rlhf::jinja {
namespace {

constexpr std::size_t kCostOfObject = 512;  // bytes; an object lives until the end of the rendering

template <class Thing, class... Parts>
Value object(Parts&&... parts) {
  return Value(std::static_pointer_cast<Object>(std::make_shared<Thing>(std::forward<Parts>(parts)...)));
}

class Namespace : public Object {
 public:
  explicit Namespace(Mapping attributes) : attributes_(std::move(attributes)) {}
  std::string type_name() const override { return "Namespace"; }
  std::string shown(Machine& machine) override {
    return "<Namespace " + to_repr(machine, make_mapping(machine.budget, attributes_)) + ">";
  }
  std::optional<Value> attribute(Machine&, const std::string& name) override {
    const Value* found = attributes_.find(name);
    return found ? std::optional(*found) : std::nullopt;
  }
  void set(Machine& machine, const std::string& name, const Value& value) {
    machine.budget.make(sizeof(Value));
    attributes_.set(Value(name), value);
  }
  void clear() override { attributes_ = {}; }

 private:
  Mapping attributes_;
};

class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(Values items) : items_(std::move(items)) {}
  std::string type_name() const override { return "Cycler"; }
  int depth() const override {
    int depth = 0;
    for (const Value& item : items_) depth = std::max(depth, item.depth());
    return depth + 1;
  }
  std::optional<Value> attribute(Machine& machine, const std::string& name) override {
    if (name == "current") return items_[at_];
    if (name == "items") return make_tuple(machine.budget, items_);
    if (name == "pos") return Value(static_cast<std::int64_t>(at_));
    if (name == "next") return method([](Cycler& self) { return self.next(); });
    if (name == "reset") return method([](Cycler& self) { return self.reset(); });
    return std::nullopt;
  }

 private:
  // A method without arguments that keeps the cycler alive.
  class Method : public Object {
   public:
    Method(std::shared_ptr<Cycler> self, Value (*run)(Cycler&)) : self_(std::move(self)), run_(run) {}
    std::string type_name() const override { return "method"; }
    bool callable() const override { return true; }
    int depth() const override { return self_->depth() + 1; }
    Value call(Machine&, const Arguments& arguments) override {
      const Params params("a method of cycler", arguments, {});
      return run_(*self_);
    }

   private:
    std::shared_ptr<Cycler> self_;
    Value (*run_)(Cycler&);
  };

  Value method(Value (*run)(Cycler&)) { return object<Method>(shared_from_this(), run); }
  Value next() {
    const Value value = items_[at_];
    at_ = (at_ + 1) % items_.size();
    return value;
  }
  Value reset() {
    at_ = 0;
    return Value(None{});
  }

  Values items_;
  std::size_t at_ = 0;
};

class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  int depth() const override { return separator_.depth() + 1; }
  Value call(Machine&, const Arguments& arguments) override {
    const Params params("joiner", arguments, {});
    if (used_) return separator_;
    used_ = true;
    return Value(std::string());
  }
  std::optional<Value> attribute(Machine&, const std::string& name) override {
    if (name == "sep") return separator_;
    if (name == "used") return Value(used_);
    return std::nullopt;
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value cycler(Machine& machine, const Value&, const Arguments& arguments) {
  if (arguments.positional.empty()) fail("cycler(): at least one item has to be provided");
  machine.budget.make(kCostOfObject);
  return object<Cycler>(arguments.positional);
}

Value joiner(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("joiner", arguments, {"sep"});
  machine.budget.make(kCostOfObject);
  return object<Joiner>(params.value(0, Value(std::string(", "))));
}

Value range(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("range", arguments, {"", "", ""}, 1);
  const bool one = !params.given(1);
  const std::int64_t begin = one ? 0 : params.whole(0, 0), end = one ? params.whole(0, 0) : params.whole(1, 0);
  const std::int64_t step = params.whole(2, 1);
  if (step == 0) fail("range() arg 3 must not be zero");
  const bool empty = step > 0 ? begin >= end : begin <= end;
  const auto distance =
      static_cast<std::uint64_t>(step > 0 ? end : begin) - static_cast<std::uint64_t>(step > 0 ? begin : end);
  const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = empty ? 0 : (distance - 1) / stride + 1;
  if (count > kMaxRange) Budget::stop("a range of more than 100000 numbers");
  return make_range(machine.budget, begin, end, step, static_cast<std::size_t>(count));
}

// dict(mapping or pairs, name=value…).
Mapping mapping_of(Machine& machine, const Arguments& arguments) {
  if (arguments.positional.size() > 1)
    fail("dict expected at most 1 argument, found " + std::to_string(arguments.positional.size()));
  Mapping mapping;
  if (!arguments.positional.empty()) {
    const Value& given = arguments.positional[0];
    if (given.mapping()) {
      mapping = *given.mapping();
    } else {
      for (const Value& pair : items_of(machine, given)) {
        const Values parts = items_of(machine, pair);
        if (parts.size() != 2) fail("dict(): expected pairs, found " + std::to_string(parts.size()) + " values");
        mapping.set(parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) mapping.set(Value(name), value);
  machine.budget.make(mapping.entries.size() * 2 * sizeof(Value));
  return mapping;
}

Value dict(Machine& machine, const Value&, const Arguments& arguments) {
  return make_mapping(machine.budget, mapping_of(machine, arguments));
}

void check_attribute_name(const Value& name) {
  if (name.text() && name.text()->bytes.starts_with('_'))
    fail("chat templates cannot store underscore-prefixed attributes on a namespace, found '" + name.text()->bytes +
         "'");
}

Value make_namespace(Machine& machine, const Value&, const Arguments& arguments) {
  Mapping attributes = mapping_of(machine, arguments);
  for (const auto& entry : attributes.entries) check_attribute_name(entry.first);
  machine.budget.make(kCostOfObject);
  machine.changeable.push_back(std::make_shared<Namespace>(std::move(attributes)));
  return Value(machine.changeable.back());
}

Value raise_exception(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("raise_exception", arguments, {"message"}, 1);
  fail("the template refuses the conversation: " + to_text(machine, params[0]));
}

Value strftime_now(Machine& machine, const Value&, const Arguments& arguments) {
  const Params params("strftime_now", arguments, {"format"}, 1);
  return make_text(machine.budget, formatted_time(params.text(0), machine.now));
}

Value lipsum(Machine&, const Value&, const Arguments&) {
  fail("lipsum() is not supported, because its text is random");
}

// The value `dict`: dict(…) and dict.fromkeys(…).
class DictFunction : public Object {
 public:
  std::string type_name() const override { return "TemplateDict"; }
  bool callable() const override { return true; }
  Value call(Machine& machine, const Arguments& arguments) override { return dict(machine, Value(), arguments); }
  std::optional<Value> attribute(Machine&, const std::string& name) override {
    return name == "fromkeys" ? method_of(Value(std::make_shared<const Mapping>()), name) : std::nullopt;
  }
};

struct Global {
  std::string_view name;
  Native native;
};
constexpr Global kGlobals[] = {
    {"range", range},
    {"namespace", make_namespace},
    {"cycler", cycler},
    {"joiner", joiner},
    {"lipsum", lipsum},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

}  // namespace

std::optional<Value> find_global(std::string_view name) {
  if (name == "dict") return object<DictFunction>();
  for (const Global& global : kGlobals)
    if (global.name == name) return object<Function>(global.native);
  return std::nullopt;
}

void set_namespace_attribute(Machine& machine, const Value& holder, const std::string& name, const Value& value) {
  auto* target = dynamic_cast<Namespace*>(holder.object());
  if (target == nullptr) fail("cannot assign attribute on non-namespace object");
  check_attribute_name(Value(name));
  target->set(machine, name, value);
}

}  // namespace rlhf::jinja
