#pragma once

#include <map>
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

// The syntax tree of a template. First the expressions.

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
  bool both;  ///< true: and; false: or
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
  ExprPtr test, yes, no;  // `no` may be null
};
struct GetAttribute {
  ExprPtr of;
  std::string name;
};
struct GetItem {
  ExprPtr of, index;
};
struct GetSlice {
  ExprPtr of, begin, end, step;  // each bound may be null
};
struct ArgumentList {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr spread, spread_named;  // *list, **mapping; may be null
};
struct CallOf {
  ExprPtr of;
  ArgumentList arguments;
};
struct FilterOf {
  ExprPtr of;  // null in a filter block, whose text is filtered
  std::string name;
  Filter filter;  // null if there is none of this name: fails where it is evaluated
  ArgumentList arguments;
};
struct TestOf {
  ExprPtr of;
  std::string name;
  Test test;  // null if there is none of this name
  ArgumentList arguments;
};

struct Expr {
  std::variant<Constant, Name, ListOf, DictOf, Unary, Binary, Logical, Concat, Compare, Choice, GetAttribute, GetItem,
               GetSlice, CallOf, FilterOf, TestOf>
      node;
  int line = 1;
  int height = 1;  ///< height of the tree, at most kMaxHeight
};

// Statements.

struct Statement;
using Body = std::vector<Statement>;

/// The target of an assignment: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  std::string name;
  std::string attribute;        // empty if the target is a name
  std::vector<Target> several;  // not empty if the target is a tuple
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
  ExprPtr over, test;  // `test` may be null
  Body body, otherwise;
  bool recursive = false;  // the loop object can be called with further items
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
  ExprPtr filter;  // may be null
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExprPtr>> assignments;
  Body body;
};
/// A macro, or a call block with its body.
struct MacroBody {
  std::string name;                                         // empty: a call block
  std::vector<std::pair<std::string, ExprPtr>> parameters;  // name and default; the default may be null
  bool reads_caller = false;                                // uses_caller, or has a parameter of that name and reads it
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
/// {% block %}. There is no inheritance, so it is rendered where it stands, and again by self.NAME().
struct BlockBody {
  std::string name;
  bool scoped = false, required = false;
  Body body;
};
using Blocks = std::map<std::string, std::shared_ptr<const BlockBody>>;
struct Block {
  std::shared_ptr<const BlockBody> block;
};
struct Autoescape {
  bool on = false;
  Body body;
};
/// include, import, from and extends: there are no other templates, so they fail where they are reached.
struct OtherTemplate {
  ExprPtr source;
  bool ignore_missing = false;
};
struct Break {};
struct Continue {};

struct Statement {
  std::variant<Data, Print, For, If, Set, SetBlock, With, MacroOf, CallBlock, FilterBlock, Generation, Block,
               Autoescape, OtherTemplate, Break, Continue>
      node;
  int line = 1;
};

}  // namespace rlhf::jinja
