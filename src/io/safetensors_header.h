#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "rlhf/io/safetensors.h"

/// The JSON header of a safetensors file, read and checked.
namespace rlhf {

inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;  // bytes, the format's own limit
inline constexpr std::size_t kMaxTensorName = 4096;                  // bytes
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct SafetensorsHeader {
  std::map<std::string, SafetensorsFile::Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads and checks the header `json` of the file `path`, whose data section is [data_begin, file_bytes). Throws
/// ModelError.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_begin, std::uint64_t file_bytes,
                                           const std::filesystem::path& path);

/// The name of a dtype in the format ("BF16"), or an empty view if this library does not write that dtype.
std::string_view safetensors_dtype_name(at::ScalarType dtype);

}  // namespace rlhf
