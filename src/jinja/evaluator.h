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

/// Names and their values. A loop's turn, a macro's call and most blocks have a scope of their own.
struct Scope {
  std::shared_ptr<Scope> outer;
  std::vector<std::pair<std::string, Value>> names;

  void set(const std::string& name, Value value);
  const Value* find(std::string_view name) const;  ///< here, not outside
};

/// Runs a compiled template once.
class Evaluator {
 public:
  /// `variables` are what the template sees besides the built-in functions.
  Evaluator(Machine& machine, std::vector<std::pair<std::string, Value>> variables);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  std::string render(const Body& body);
  /// Where {% generation %} blocks began and ended in the output. Fails if one stood where text is captured.
  const std::vector<std::pair<std::size_t, std::size_t>>& generations() const { return generations_; }

  /// What a macro needs: runs its body with the arguments in a new scope inside `defined_in`, and gives the text.
  Value run_macro(const MacroBody& macro, const std::shared_ptr<Scope>& defined_in, const Arguments& arguments);

 private:
  enum class Flow { on, next_turn, leave_loop };  // how a statement ended
  class Inner;                                    // a scope while it is entered

  Value eval(const Expr& expr);
  Value eval_node(const Constant&), eval_node(const Name&), eval_node(const ListOf&), eval_node(const DictOf&);
  Value eval_node(const Unary&), eval_node(const Binary&), eval_node(const Logical&), eval_node(const Concat&);
  Value eval_node(const Compare&), eval_node(const Choice&), eval_node(const GetAttribute&), eval_node(const GetItem&);
  Value eval_node(const GetSlice&), eval_node(const CallOf&), eval_node(const FilterOf&), eval_node(const TestOf&);
  bool holds(Comparison comparison, const Value& left, const Value& right);
  Values eval_all(const std::vector<ExprPtr>& parts);
  Arguments eval_arguments(const ArgumentList& list);
  Value call(const CallOf& call, const Value* caller);
  const Value* find(std::string_view name);  ///< in the current scope and those outside

  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_node(const Data&), run_node(const Print&), run_node(const For&), run_node(const If&), run_node(const Set&);
  Flow run_node(const SetBlock&), run_node(const With&), run_node(const MacroOf&), run_node(const CallBlock&);
  Flow run_node(const FilterBlock&), run_node(const Generation&), run_node(const Break&), run_node(const Continue&);
  /// Runs with the output going into a text of its own.
  Flow capture(const Body& body, std::string& text);
  void print(const Value& value);
  void write(std::string_view text);
  void set(Scope& scope, const std::string& name, const Value& value);
  void assign(Scope& scope, const Target& target, const Value& value);
  Value macro_value(const MacroBody& macro);
  void bind(const MacroBody& macro, const Arguments& arguments);

  Machine& machine_;
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> kept_;  // scopes that a macro still refers to when they are left
  std::string out_;
  int captures_ = 0;  // texts of their own that are being written, inside each other
  std::vector<std::pair<std::size_t, std::size_t>> generations_;
  bool misplaced_generation_ = false;
  const Value* filtered_ = nullptr;  // the text of the block whose filter is being evaluated
};

}  // namespace rlhf::jinja
