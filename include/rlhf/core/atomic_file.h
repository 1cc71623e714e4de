#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "rlhf/core/error.h"

namespace rlhf {

/// Writes `bytes` beside `path`, syncs, renames, syncs the folder: a reader sees the old file or the whole new one.
/// A symbolic link is followed; a device or a pipe is written to as it is. Throws OutputError naming the path and the
/// system's reason (no space left, read-only, permission).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The same for a file that takes long to make: what `fill` writes goes to PATH.partial, where it may be followed, and
/// which stays as far as it came if `fill` throws or the process is killed. A path that cannot be written is refused
/// before `fill` begins.
void write_file_gradually(const std::filesystem::path& path, const std::function<void(std::ostream&)>& fill);

/// Calls `fill(temporary)` for a fresh folder beside `path`, syncs every file in it, then renames it to `path`,
/// replacing an existing folder of that name. If `fill` throws, the temporary folder is removed.
void write_folder_atomically(const std::filesystem::path& path,
                             const std::function<void(const std::filesystem::path&)>& fill);

/// The whole file as bytes. Throws an Error with `code` (what the file should have been) if it cannot be read.
std::string read_file(const std::filesystem::path& path, ExitCode code);

}  // namespace rlhf
