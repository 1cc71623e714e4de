#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "jinja/filters.h"
#include "jinja/operators.h"
#include "jinja/tests.h"
#include "jinja/value.h"

namespace rlhf::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

// Expressions.

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct ListOf {
  bool tuple = false;
  std::vector<ExprPtr> items;
};
struct DictOf {
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};
enum class UnaryOp { logical_not, negative, positive };
struct Unary {
  UnaryOp op;
  ExprPtr of;
};
struct Binary {
  Arithmetic op;
  ExprPtr left, right;
};
struct Logical {
  bool both;  ///< and, else or
  ExprPtr left, right;
};
struct Concat {
  std::vector<ExprPtr> parts;
};
enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };
struct Compare {
  ExprPtr first;
  std::vector<std::pair<Comparison, ExprPtr>> rest;
};
struct Choice {
  ExprPtr test, yes, no;  // no: may be missing
};
struct GetAttribute {
  ExprPtr of;
  std::string name;
};
struct GetItem {
  ExprPtr of, index;
};
struct GetSlice {
  ExprPtr of, begin, end, step;  // each bound may be missing
};
struct ArgumentList {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr spread, spread_named;  // *list, **mapping; may be missing
};
struct CallOf {
  ExprPtr of;
  ArgumentList arguments;
};
struct FilterOf {
  ExprPtr of;  // missing: the text of the block that is filtered
  Filter filter;
  ArgumentList arguments;
};
struct TestOf {
  ExprPtr of;
  Test test;
  ArgumentList arguments;
};

struct Expr {
  std::variant<Constant, Name, ListOf, DictOf, Unary, Binary, Logical, Concat, Compare, Choice, GetAttribute, GetItem,
               GetSlice, CallOf, FilterOf, TestOf>
      node;
  int line = 1;
  int height = 1;  ///< of the tree, at most kMaxHeight
};

// Statements.

struct Statement;
using Body = std::vector<Statement>;

/// What an assignment sets: one name, an attribute of a namespace, or several of them.
struct Target {
  std::string name;
  std::string attribute;        // empty: none
  std::vector<Target> several;  // not empty: a tuple
  bool is_tuple = false;
};
struct Data {
  std::string text;
};
struct Print {
  std::vector<ExprPtr> values;
};
struct For {
  Target target;
  ExprPtr over, test;  // test: may be missing
  Body body, otherwise;
};
struct If {
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};
struct Set {
  Target target;
  ExprPtr value;
};
struct SetBlock {
  Target target;
  ExprPtr filter;  // may be missing
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExprPtr>> assignments;
  Body body;
};
/// A macro, or the body of a call block.
struct MacroBody {
  std::string name;
  std::vector<std::pair<std::string, ExprPtr>> parameters;  // with the default, which may be missing
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
  Body body;
};
struct MacroOf {
  MacroBody macro;
};
struct CallBlock {
  ExprPtr call;  // a CallOf
  MacroBody macro;
};
struct FilterBlock {
  ExprPtr filter;
  Body body;
};
struct Generation {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  std::variant<Data, Print, For, If, Set, SetBlock, With, MacroOf, CallBlock, FilterBlock, Generation, Break, Continue>
      node;
  int line = 1;
};

}  // namespace rlhf::jinja
