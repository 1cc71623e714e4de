#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace rlhf {

/// Size and CRC-32 of a file, to detect a truncated or changed file before it is used.
struct FileStamp {
  std::uint64_t bytes = 0;
  std::string crc32;  ///< 8 hexadecimal digits
  bool operator==(const FileStamp&) const = default;
};
using Manifest = std::map<std::string, FileStamp>;  // by file name

/// Writes manifest.json with the stamps of all files in `folder`.
void write_manifest(const std::filesystem::path& folder);
/// Reads manifest.json. Throws ModelError if it is missing or malformed.
Manifest read_manifest(const std::filesystem::path& folder);
/// Compares every file of the manifest with its stamp. Throws ModelError for the first that is missing or differs.
void verify_manifest(const std::filesystem::path& folder);

}  // namespace rlhf
