#pragma once

#include <filesystem>
#include <vector>

namespace rlhf {

/// Creates `folder` and its missing parents. Returns those that this call created, outermost first. Throws OutputError
/// "writing FOLDER: REASON", after it removed them again.
std::vector<std::filesystem::path> make_folders(const std::filesystem::path& folder);

/// Removes folders, innermost first, as far as they are empty.
void remove_if_empty(const std::vector<std::filesystem::path>& folders);

}  // namespace rlhf
