#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "rlhf/kernels/kernels.h"

namespace rlhf::testing {

inline float value_of(float x) { return x; }
inline float value_of(BFloat16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

/// The nearest T, ties to even.
template <typename T>
T from(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    const auto word = std::bit_cast<std::uint32_t>(x);
    return {static_cast<std::uint16_t>((word + 0x7fffU + ((word >> 16) & 1U)) >> 16)};
  }
}

}  // namespace rlhf::testing
