#pragma once

#include <algorithm>

#include "jinja/ast.h"

namespace rlhf::jinja {

// The height of the tree of an expression; 1 for a leaf.

inline int height_of(const ExprPtr& child) { return child ? child->height : 0; }

template <class... Children>
int above(const Children&... children) {
  return 1 + std::max({0, height_of(children)...});
}

inline int highest(const std::vector<ExprPtr>& children) {
  int height = 0;
  for (const ExprPtr& child : children) height = std::max(height, height_of(child));
  return height;
}

inline int height_of(const ArgumentList& arguments) {
  int height =
      std::max({highest(arguments.positional), height_of(arguments.spread), height_of(arguments.spread_named)});
  for (const auto& named : arguments.named) height = std::max(height, height_of(named.second));
  return height;
}

inline int height_of(const Constant&) { return 1; }
inline int height_of(const Name&) { return 1; }
inline int height_of(const ListOf& list) { return 1 + highest(list.items); }
inline int height_of(const DictOf& dict) {
  int height = 0;
  for (const auto& [key, value] : dict.entries) height = std::max({height, height_of(key), height_of(value)});
  return 1 + height;
}
inline int height_of(const Unary& unary) { return above(unary.of); }
inline int height_of(const Binary& binary) { return above(binary.left, binary.right); }
inline int height_of(const Logical& logical) { return above(logical.left, logical.right); }
inline int height_of(const Concat& concat) { return 1 + highest(concat.parts); }
inline int height_of(const Compare& compare) {
  int height = height_of(compare.first);
  for (const auto& one : compare.rest) height = std::max(height, height_of(one.second));
  return 1 + height;
}
inline int height_of(const Choice& choice) { return above(choice.test, choice.yes, choice.no); }
inline int height_of(const GetAttribute& get) { return above(get.of); }
inline int height_of(const GetItem& get) { return above(get.of, get.index); }
inline int height_of(const GetSlice& get) { return above(get.of, get.begin, get.end, get.step); }
inline int height_of(const CallOf& call) { return 1 + std::max(height_of(call.of), height_of(call.arguments)); }
inline int height_of(const FilterOf& filter) { return 1 + std::max(height_of(filter.of), height_of(filter.arguments)); }
inline int height_of(const TestOf& test) { return 1 + std::max(height_of(test.of), height_of(test.arguments)); }

}  // namespace rlhf::jinja
