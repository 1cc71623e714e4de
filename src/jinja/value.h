#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "jinja/budget.h"

namespace rlhf::jinja {

class Value;
class Object;
struct Machine;
struct Sequence;
struct Mapping;

/// The value of a missing name, attribute or item: falsy, prints nothing, fails when it is used.
struct Undefined {
  std::shared_ptr<const std::string> why;
};
struct None {};

/// A str. `markup` marks markupsafe's Markup, the result of `safe` and `escape`: `+` with a plain text escapes that
/// text.
struct Text {
  std::string bytes;  // UTF-8
  bool markup = false;
};

/// A Python value, immutable and shared. Only objects (namespaces and the like) are mutable.
class Value {
 public:
  Value() = default;  ///< undefined, without a reason
  explicit Value(None) : held_(None{}) {}
  explicit Value(bool boolean) : held_(boolean) {}
  explicit Value(std::int64_t integer) : held_(integer) {}
  explicit Value(double real) : held_(real) {}
  explicit Value(std::string bytes, bool markup = false)
      : held_(std::make_shared<const Text>(Text{std::move(bytes), markup})) {}
  explicit Value(std::shared_ptr<const Sequence> sequence) : held_(std::move(sequence)) {}
  explicit Value(std::shared_ptr<const Mapping> mapping) : held_(std::move(mapping)) {}
  explicit Value(std::shared_ptr<Object> object) : held_(std::move(object)) {}
  explicit Value(const char*) = delete;  // would convert to bool
  static Value undefined(std::string why);

  bool is_undefined() const { return std::holds_alternative<Undefined>(held_); }
  bool is_none() const { return std::holds_alternative<None>(held_); }
  const bool* boolean() const { return std::get_if<bool>(&held_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&held_); }
  const double* real() const { return std::get_if<double>(&held_); }
  const Text* text() const { return pointed<std::shared_ptr<const Text>>(); }
  const Sequence* sequence() const { return pointed<std::shared_ptr<const Sequence>>(); }
  const Mapping* mapping() const { return pointed<std::shared_ptr<const Mapping>>(); }
  Object* object() const { return pointed<std::shared_ptr<Object>>(); }

  /// The value of a bool or an int.
  std::optional<std::int64_t> whole() const;
  /// The value of a bool, int or float.
  std::optional<double> number() const;
  /// Fails with the reason if this is undefined.
  void require_defined() const;
  /// Whether both are the same object (Python's `is`).
  bool same_as(const Value& other) const;
  int depth() const;              ///< depth of nested lists and mappings
  std::string type_name() const;  ///< Python's name: str, dict, NoneType

 private:
  template <class Pointer>
  auto pointed() const -> decltype(std::declval<Pointer>().get()) {
    const Pointer* found = std::get_if<Pointer>(&held_);
    return found ? found->get() : nullptr;
  }

  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Mapping>, std::shared_ptr<Object>>
      held_;
};

using Values = std::vector<Value>;

enum class Shape { list, tuple, range, view, generator };

struct Sequence {
  Shape shape = Shape::list;
  Values items;
  std::string label;  // the type of a view, "dict_keys"; "group" for a tuple of groupby
  int depth = 1;
  mutable std::size_t taken = 0;               // items of a generator that were used; each can be used once
  std::int64_t start = 0, stop = 0, step = 1;  // of a range
};

Value make_sequence(Budget& budget, Shape shape, Values items, std::string label = {});
inline Value make_list(Budget& budget, Values items) { return make_sequence(budget, Shape::list, std::move(items)); }
inline Value make_tuple(Budget& budget, Values items) { return make_sequence(budget, Shape::tuple, std::move(items)); }
inline Value make_generator(Budget& budget, Values items) {
  return make_sequence(budget, Shape::generator, std::move(items));
}
/// The range from `start`, with `count` numbers.
Value make_range(Budget& budget, std::int64_t start, std::int64_t stop, std::int64_t step, std::size_t count);
/// Creates a text and charges it to the budget.
Value make_text(Budget& budget, std::string bytes, bool markup = false);

/// A dict; keeps the order in which keys were added.
struct Mapping {
  std::vector<std::pair<Value, Value>> entries;
  int depth = 1;

  const Value* find(const Value& key) const;  ///< nullptr if absent (or if the value cannot be a key)
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);  ///< only while the dict is being built; fails if the value cannot be a key

 private:
  std::optional<std::size_t> place(const std::string& identity) const;
  std::unordered_map<std::string, std::size_t> index_;  // by the identifying text of the key
};

Value make_mapping(Budget& budget, Mapping mapping);

/// Positional and named arguments of a call.
struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// A value with its own attributes, or one that can be called: namespaces, macros, loops, functions.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual std::string shown(Machine& machine);  ///< as Python prints it; fails if that would contain an address
  virtual bool callable() const { return false; }
  virtual Value call(Machine& machine, const Arguments& arguments);
  virtual std::optional<Value> attribute(Machine& machine, const std::string& name);
  virtual int depth() const { return 0; }
  virtual void clear() {}  ///< releases all values, at the end of a rendering
};

/// A built-in function; `self` is the object of a method.
using Native = Value (*)(Machine&, const Value& self, const Arguments&);

class Function : public Object {
 public:
  Function(Native native, Value self = {}) : native_(native), self_(std::move(self)) {}
  std::string type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Machine& machine, const Arguments& arguments) override { return native_(machine, self_, arguments); }
  int depth() const override { return self_.depth() + 1; }

 private:
  Native native_;
  Value self_;
};

}  // namespace rlhf::jinja
