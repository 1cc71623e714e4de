#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/simd.h"

namespace rlhf::RLHF_ISA {

/// Memory on a cache line's boundary that only grows; kept from call to call by whoever owns it. Where it grows inside
/// a parallel region, running out of memory ends the program. Its lines are a type of this instruction set: a
/// std::vector<float> would be one function for all of them, and the linker might keep the one that an older CPU cannot
/// run (scripts/check_kernel_symbols.py looks).
template <typename Element>
class Buffer {
 public:
  Element* at_least(std::int64_t count) {
    const auto lines = static_cast<std::size_t>((count + kLanes - 1) / kLanes);
    if (lines_.size() < lines) lines_ = std::vector<Line>(lines);
    return lines_.front().elements;
  }

 private:
  struct alignas(64) Line {
    Element elements[kLanes];
  };
  std::vector<Line> lines_ = std::vector<Line>(1);
};

}  // namespace rlhf::RLHF_ISA
