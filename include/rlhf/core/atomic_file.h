#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "rlhf/core/error.h"
#include "rlhf/core/read_file.h"

namespace rlhf {

/// Writes `bytes` to a temporary file beside `path`, syncs it, renames it to `path` and syncs the folder, so that a
/// reader sees either the old file or the complete new one. Follows a symbolic link; writes to a device or a pipe
/// directly. Throws OutputError with the path and the system's reason (no space left, read-only, permission).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The same for a file that takes long to write. The output of `fill` goes to PATH.partial, where other programs can
/// read it while it grows; PATH.partial is kept if `fill` throws or the process is killed. Throws OutputError before
/// calling `fill` if the path cannot be written.
void write_file_gradually(const std::filesystem::path& path, const std::function<void(std::ostream&)>& fill);

/// Calls `fill(temporary)` for a new folder beside `path`, syncs every file in it, then renames it to `path`, replacing
/// an existing folder of that name. Removes the temporary folder if `fill` throws.
void write_folder_atomically(const std::filesystem::path& path,
                             const std::function<void(const std::filesystem::path&)>& fill);

}  // namespace rlhf
