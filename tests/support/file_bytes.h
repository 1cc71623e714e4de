#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace rlhf::testing {

/// The whole file; empty if there is none.
inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace rlhf::testing
