#pragma once

#include <cstdint>
#include <filesystem>

#include "rlhf/core/error.h"

namespace rlhf {

/// CRC-32 (the one of gzip and zip) of a file's bytes, read in pieces. Throws an Error with `code` (what the file
/// should have been) if it cannot be read.
std::uint32_t crc32_of_file(const std::filesystem::path& path, ExitCode code);

}  // namespace rlhf
