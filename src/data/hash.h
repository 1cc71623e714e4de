#pragma once

#include <cstdint>
#include <string_view>

namespace rlhf {

/// FNV-1a, 64 bits. Unlike std::hash it gives the same value on every machine. `hash` continues an earlier hash.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash = 14695981039346656037ULL) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace rlhf
