// Reads the parts of large files that a page can show.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// All lines of a file of at most 3 · `part` bytes, or the lines in the first, middle and last `part` bytes of a larger
/// file, including cut lines. Empty if the file cannot be read.
std::vector<std::string> sampled_lines(const std::filesystem::path& file, std::size_t part);

}  // namespace rlhf
