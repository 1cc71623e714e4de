#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "jinja/evaluator.h"
#include "jinja/machine.h"

namespace rlhf::jinja {

/// Enters a new scope inside the current one, or inside `outer`, and leaves it when destroyed.
class Evaluator::Inner {
 public:
  explicit Inner(Evaluator& evaluator, std::shared_ptr<Scope> outer = nullptr)
      : evaluator_(evaluator), before_(evaluator.scope_) {
    evaluator.scope_ = std::make_shared<Scope>(Scope{outer ? std::move(outer) : before_, {}});
  }
  ~Inner() {
    if (evaluator_.scope_.use_count() > 1) evaluator_.kept_.push_back(evaluator_.scope_);
    evaluator_.scope_ = std::move(before_);
  }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;
  Scope& outer() { return *before_; }

 private:
  Evaluator& evaluator_;
  std::shared_ptr<Scope> before_;
};

/// The `loop` object of a for statement. Iterates over the items that satisfy its condition, which is evaluated as late
/// as possible.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  /// `depth`: 0 for a loop that no other one called.
  Loop(Values items, std::function<bool(const Value&)> passes, std::int64_t depth);
  bool advance();  ///< moves to the next item; returns false if there is none
  const Value& current() const { return current_; }
  /// Makes the loop callable: `again` runs its body over other items, one level deeper, and returns the text.
  void make_recursive(std::function<Value(const Value& items, std::int64_t depth)> again) { again_ = std::move(again); }
  /// No longer evaluates the condition and cannot be called any more.
  void finish() { passes_ = nullptr, again_ = nullptr; }

  std::string type_name() const override { return "LoopContext"; }
  std::string shown(Machine& machine) override;
  bool callable() const override { return true; }
  Value call(Machine& machine, const Arguments& arguments) override;
  std::optional<Value> attribute(Machine& machine, const std::string& name) override;
  int depth() const override { return depth_; }
  void clear() override;
  Value cycle(const Arguments& arguments) const;
  Value changed(Machine& machine, const Arguments& arguments);

 private:
  const Value* peek();  // the item after the current one
  std::int64_t length();

  Values items_, coming_;  // coming_: items that passed the condition but were not reached yet, in reverse order
  std::function<bool(const Value&)> passes_;
  std::function<Value(const Value&, std::int64_t)> again_;
  std::int64_t level_;  // of recursion
  std::size_t read_ = 0;
  std::int64_t index0_ = -1;
  std::optional<std::int64_t> length_;
  Value before_, current_;
  std::optional<Values> last_changed_;
  int depth_ = 1;
};

}  // namespace rlhf::jinja
