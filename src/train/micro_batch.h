#pragma once

#include <algorithm>
#include <cstdint>

namespace rlhf {

inline constexpr std::int64_t kCpuCap = 8192;   // larger micro-batches are not faster on a CPU
inline constexpr std::int64_t kGpuCap = 65536;  // larger micro-batches are not faster on a GPU

/// The rule of derive_micro_batch_tokens() (train/plan.h): a quarter of the free memory, at most `cap` tokens.
inline std::int64_t fit_micro_batch(std::int64_t per_token, std::int64_t free_bytes, std::int64_t longest,
                                    std::int64_t cap) {
  constexpr std::int64_t kRounding = 256;
  const std::int64_t fitting = std::max<std::int64_t>(0, free_bytes) / 4 / per_token;
  return std::max(std::min(fitting, cap) / kRounding * kRounding, longest);
}

}  // namespace rlhf
