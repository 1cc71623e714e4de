#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/hf/pair_table.h"

namespace rlhf::hf {

/// Finds which of many strings begin at a position of a text.
class ByteTrie {
 public:
  /// Adds a string; a later value of the same string replaces an earlier one.
  void insert(std::string_view string, std::int32_t value) {
    std::uint32_t node = 0;
    for (const char c : string) {
      const PairTable::Pair edge{node, static_cast<unsigned char>(c)};
      if (const auto* next = edges_.find(edge)) {
        node = next->first;
        continue;
      }
      node = static_cast<std::uint32_t>(values_.size());
      values_.push_back(-1);
      edges_.set(edge, {node, 0});
    }
    values_[node] = value;
  }

  /// Calls `visit(bytes, value)` for every string that begins at byte `at` of `text`, shortest first.
  template <typename Visit>
  void for_each_prefix(std::string_view text, std::size_t at, const Visit& visit) const {
    std::uint32_t node = 0;
    for (std::size_t end = at; end < text.size();) {
      const auto* next = edges_.find({node, static_cast<unsigned char>(text[end])});
      if (!next) return;
      node = next->first;
      ++end;
      if (values_[node] >= 0) visit(end - at, values_[node]);
    }
  }

 private:
  PairTable edges_;                       // (node, byte) to (node, 0)
  std::vector<std::int32_t> values_{-1};  // of every node; -1 where no string ends
};

}  // namespace rlhf::hf
