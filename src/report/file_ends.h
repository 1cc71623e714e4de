// Reads the parts of large files that a page can show.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// All complete lines of a regular file of at most 3 · `part` bytes, or those in the first, middle and last `part`
/// bytes of a larger one. Empty if the file cannot be read.
std::vector<std::string> sampled_lines(const std::filesystem::path& file, std::size_t part);

}  // namespace rlhf
