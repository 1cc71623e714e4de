#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// In a layout that is divided among processes, weights begin at multiples of this, the block of moments in bytes.
constexpr std::int64_t kShardAlignment = kMomentBlock;

constexpr std::int64_t padded(std::int64_t elements, std::int64_t alignment) {
  return (elements + alignment - 1) / alignment * alignment;
}

/// The part of a process in a layout of `elements`, a multiple of `size`.
struct OwnPart {
  int rank, size;
  std::int64_t elements;

  std::int64_t count() const { return elements / size; }
  std::int64_t begin() const { return rank * count(); }
  /// Which elements of a weight, which has `count` at `place`, are in it: the first, and their number.
  std::pair<std::int64_t, std::int64_t> of(std::int64_t place, std::int64_t weight_elements) const {
    const std::int64_t first = std::clamp<std::int64_t>(begin() - place, 0, weight_elements);
    const std::int64_t last = std::clamp<std::int64_t>(begin() + count() - place, first, weight_elements);
    return {first, last - first};
  }
};

/// Makes leaves of one dtype views of a new tensor of `elements`, at `places`, with their values.
at::Tensor lay_out_leaves(std::span<at::Tensor> leaves, std::span<const std::int64_t> places, std::int64_t elements);

}  // namespace rlhf
