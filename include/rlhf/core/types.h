#pragma once

#include <cstdint>
#include <vector>

namespace rlhf {

/// Token ids on the host. Device tensors of ids are int64, because LibTorch's indexing operators require it.
using TokenIds = std::vector<std::int32_t>;

/// A half-open range of token indices.
struct Span {
  std::int32_t begin = 0;
  std::int32_t end = 0;
  std::int32_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

}  // namespace rlhf
