#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace rlhf {

inline void write_text(c10d::Store& store, const std::string& key, const std::string& text) {
  store.set(key, std::vector<std::uint8_t>(text.begin(), text.end()));
}
/// Waits until the key is there.
inline std::string read_text(c10d::Store& store, const std::string& key) {
  const std::vector<std::uint8_t> bytes = store.get(key);
  return {bytes.begin(), bytes.end()};
}
/// Writes `text` unless the key is there, and returns what is there then.
inline std::string write_first_text(c10d::Store& store, const std::string& key, const std::string& text) {
  return store.compareSet(key, "", text);
}

}  // namespace rlhf
