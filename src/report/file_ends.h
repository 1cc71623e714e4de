// Reads of large files what a page can show.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// The lines of a file of at most 3 · `part` bytes; of a larger one the lines in its first, middle and last `part`, cut
/// ones among them. Nothing if it cannot be read.
std::vector<std::string> sampled_lines(const std::filesystem::path& file, std::size_t part);

}  // namespace rlhf
