#pragma once

#include <filesystem>
#include <string_view>

#include <zlib.h>

namespace rlhf::testing {

/// Writes `bytes` as one gzip file and returns its path.
inline std::filesystem::path write_gzip(const std::filesystem::path& path, std::string_view bytes) {
  gzFile file = gzopen(path.c_str(), "wb1");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return path;
}

}  // namespace rlhf::testing
