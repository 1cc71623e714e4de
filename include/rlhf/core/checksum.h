#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "rlhf/core/error.h"

namespace rlhf {

/// CRC-32 (the polynomial of gzip and zip).
std::uint32_t crc32_of(std::string_view bytes);
/// CRC-32 of a regular file, read in blocks. Throws an Error with `code` (the caller knows what kind of file it is) if
/// the file cannot be read.
std::uint32_t crc32_of_file(const std::filesystem::path& path, ExitCode code);

}  // namespace rlhf
