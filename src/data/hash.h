#pragma once

#include <cstdint>
#include <string_view>

namespace rlhf {

/// FNV-1a, 64 bits: the same on every machine, which std::hash does not promise. `hash` goes on from an earlier one.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash = 14695981039346656037ULL) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace rlhf
