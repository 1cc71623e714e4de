#pragma once

#include <filesystem>
#include <functional>
#include <ostream>

namespace rlhf {

/// Creates the folder that `file` will be in. Throws OutputError.
void make_parent_folder(const std::filesystem::path& file);

/// Makes sure that no file is lost: if `output` exists and `overwrite` is false, asks on a terminal. Throws ConfigError
/// if the file must stay. Does nothing for stdout (an empty path), devices and pipes.
void check_output(const std::filesystem::path& output, bool overwrite);

/// Calls write(stream) with stdout, or with a file that is OUTPUT.partial until it is complete; creates its parent
/// folder. If `write` throws, what it had written stays in OUTPUT.partial, and a warning says so. Throws OutputError.
void write_output(const std::filesystem::path& output, const std::function<void(std::ostream&)>& write);

}  // namespace rlhf
