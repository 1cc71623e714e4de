#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.h"
#include "jinja/machine.h"

namespace rlhf::jinja {

/// Names and their values. Every iteration of a loop, call of a macro and most blocks have their own scope.
struct Scope {
  std::shared_ptr<Scope> outer;
  std::vector<std::pair<std::string, Value>> names;

  void set(const std::string& name, Value value);
  const Value* find(std::string_view name) const;  ///< in this scope only
};

/// Renders a compiled template once.
class Evaluator {
 public:
  /// `variables` are the names that the template can use besides the built-in functions.
  Evaluator(Machine& machine, std::vector<std::pair<std::string, Value>> variables, const Blocks& blocks);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  std::string render(const Body& body);
  /// Byte ranges of {% generation %} blocks in the output.
  const std::vector<std::pair<std::size_t, std::size_t>>& generations() const { return generations_; }
  bool misplaced_generation() const { return misplaced_generation_; }  ///< whether a block was inside captured text

  /// Runs the body of a macro with the arguments in a new scope inside `defined_in`, and returns its text. `escapes`:
  /// whether the macro is in an autoescape block.
  Value run_macro(const MacroBody& macro, const std::shared_ptr<Scope>& defined_in, const Arguments& arguments,
                  bool escapes);
  const Blocks& blocks() const { return blocks_; }
  Value run_block(const BlockBody& block);  ///< its text, as self.NAME() returns it

 private:
  enum class Flow { on, next_turn, leave_loop };  // how a statement ended
  class Inner;                                    // enters a new scope and leaves it when destroyed

  Value eval(const Expr& expr);
  Value eval_node(const Constant&), eval_node(const Name&), eval_node(const ListOf&), eval_node(const DictOf&);
  Value eval_node(const Unary&), eval_node(const Binary&), eval_node(const Logical&), eval_node(const Concat&);
  Value eval_node(const Compare&), eval_node(const Choice&), eval_node(const GetAttribute&), eval_node(const GetItem&);
  Value eval_node(const GetSlice&), eval_node(const CallOf&), eval_node(const FilterOf&), eval_node(const TestOf&);
  bool holds(Comparison comparison, const Value& left, const Value& right);
  Values eval_all(const std::vector<ExprPtr>& parts);
  Arguments eval_arguments(const ArgumentList& list);
  Value call(const CallOf& call, const Value* caller);
  const Value* find(std::string_view name);  ///< in the current scope and the enclosing ones

  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_node(const Data&), run_node(const Print&), run_node(const For&), run_node(const If&), run_node(const Set&);
  Flow run_node(const SetBlock&), run_node(const With&), run_node(const MacroOf&), run_node(const CallBlock&);
  Flow run_node(const FilterBlock&), run_node(const Generation&), run_node(const Block&), run_node(const Autoescape&);
  Flow run_node(const OtherTemplate&), run_node(const Break&), run_node(const Continue&);
  /// Runs a loop over `items`, `depth` levels deep in its own recursion.
  Flow run_loop(const For& node, Values items, std::int64_t depth);
  Flow run_in_block(const BlockBody& block, std::shared_ptr<Scope> outer);
  /// What `writes` adds to the output, as a text instead. It is markup in an autoescape block.
  Value captured(const std::function<void()>& writes);
  void print(const Value& value);
  void print_text(const Value& value);  ///< fails, as in Jinja2, if the result of a call or filter block is not a text
  void write(std::string_view text);
  void set(Scope& scope, const std::string& name, const Value& value);
  void assign(Scope& scope, const Target& target, const Value& value);
  Value macro_value(const MacroBody& macro);
  void bind(const MacroBody& macro, const Arguments& arguments);

  Machine& machine_;
  std::shared_ptr<Scope> scope_;
  std::shared_ptr<Scope> top_;  // the outermost scope of the template, which blocks see
  const Blocks& blocks_;
  std::vector<std::shared_ptr<Scope>> kept_;  // scopes that were left but to which a macro still refers
  std::string out_;
  int captures_ = 0;  // nested captures of output that are in progress
  std::vector<std::pair<std::size_t, std::size_t>> generations_;
  bool misplaced_generation_ = false;
  const Value* filtered_ = nullptr;  // the text of the filter block that is being evaluated
};

/// The value of the name `self`.
Value self_value(Evaluator& evaluator);

}  // namespace rlhf::jinja
