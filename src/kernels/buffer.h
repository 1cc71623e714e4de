#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/simd.h"

namespace rlhf::RLHF_ISA {

/// A work buffer that is aligned to cache lines and only grows. If it grows inside a parallel region and memory is
/// exhausted, the program ends. `Line` is a type of this instruction set on purpose: std::vector<float> would be one
/// template instance for all instruction sets, and the linker could keep the one that an older CPU cannot run
/// (scripts/check_kernel_symbols.py checks this).
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
