#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace rlhf {

/// Size and CRC-32 of a file, so that a cut or flipped one is found before it is used.
struct FileStamp {
  std::uint64_t bytes = 0;
  std::string crc32;  ///< 8 hexadecimal digits
  bool operator==(const FileStamp&) const = default;
};
using Manifest = std::map<std::string, FileStamp>;  // by file name

/// Writes manifest.json with the stamps of all files that lie in `folder`.
void write_manifest(const std::filesystem::path& folder);
/// Throws ModelError unless manifest.json is there and well formed.
Manifest read_manifest(const std::filesystem::path& folder);
/// Reads every file that the manifest names. Throws ModelError naming the first that is not what it was.
void verify_manifest(const std::filesystem::path& folder);

}  // namespace rlhf
