// Writes files and folders atomically: write under a temporary name, sync, rename.
#include "rlhf/core/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace rlhf {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& doing, const fs::path& path, int error) {
  throw OutputError(doing + " " + path.string() + ": " + std::strerror(error));
}

/// Owns a file descriptor.
class File {
 public:
  File(const fs::path& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  /// Returns the result of ::close: some file systems report a write error only there.
  int close() { return ::close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
};

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

/// A fixed name beside `path`, so that the next attempt overwrites what a killed process left behind.
fs::path temporary_beside(fs::path path) {
  if (!path.has_filename()) path = path.parent_path();  // "runs/x/"
  return folder_of(path) / ("." + path.filename().string() + ".partial");
}

/// A device or a pipe must be written directly: a rename would replace it by a file.
bool is_device_or_pipe(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_regular_file(path, ignored) && !fs::is_directory(path, ignored);
}

void sync(const fs::path& path, const fs::path& target) {
  const File file(path, O_RDONLY);
  // Some file systems cannot sync a folder and return EINVAL; nothing else can be done there.
  if (!file.is_open() || (::fsync(file.get()) != 0 && errno != EINVAL)) fail("writing", target, errno);
}

void write_all(const File& file, std::string_view bytes, const fs::path& target) {
  if (!file.is_open()) fail("writing", target, errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("writing", target, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_directly(const fs::path& path, std::string_view bytes) {
  const File file(path, O_WRONLY | O_NONBLOCK);  // a FIFO that nobody reads is an error and not a wait without end
  if (file.is_open() && ::fcntl(file.get(), F_SETFL, 0) != 0) fail("writing", path, errno);
  write_all(file, bytes, path);
}

void write_and_sync(const fs::path& path, std::string_view bytes, const fs::path& target) {
  File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_all(file, bytes, target);
  if (::fsync(file.get()) != 0 || file.close() != 0) fail("writing", target, errno);
}

void sync_tree(const fs::path& folder, const fs::path& target) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) sync(entry.path(), target);
  sync(folder, target);
}

/// Replaces `path` by `temporary`, by an atomic exchange if the file system supports it.
void replace_folder(const fs::path& temporary, const fs::path& path) {
  if (!fs::exists(path)) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("writing", path, errno);
    return;
  }
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
    fs::remove_all(path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("writing", path, errno);
  }
  fs::remove_all(temporary);
}

}  // namespace

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  if (is_device_or_pipe(path)) return write_directly(path, bytes);
  std::error_code ignored;
  if (fs::is_symlink(path, ignored)) return write_file_atomically(fs::weakly_canonical(path), bytes);
  const fs::path temporary = temporary_beside(path);
  try {
    write_and_sync(temporary, bytes, path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("writing", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync(folder_of(path), path);
}

void write_file_gradually(const fs::path& path, const std::function<void(std::ostream&)>& fill) {
  std::error_code ignored;
  const bool direct = is_device_or_pipe(path);
  if (!direct && fs::is_symlink(path, ignored)) return write_file_gradually(fs::weakly_canonical(path), fill);
  if (fs::is_directory(path, ignored)) fail("writing", path, EISDIR);
  const fs::path partial = direct ? path : fs::path(path.string() + ".partial");
  std::ofstream file(partial, std::ios::binary);
  if (!file) fail("writing", path, errno);
  fill(file);
  file.close();
  if (!file) fail("writing", path, errno);
  if (direct) return;
  sync(partial, path);
  if (::rename(partial.c_str(), path.c_str()) != 0) fail("writing", path, errno);
  sync(folder_of(path), path);
}

void write_folder_atomically(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  const fs::path temporary = temporary_beside(path);
  const fs::path target = path.has_filename() ? path : path.parent_path();
  try {
    fs::remove_all(temporary);
    fs::create_directory(temporary);
    fill(temporary);
    sync_tree(temporary, target);
    replace_folder(temporary, target);
  } catch (const fs::filesystem_error& e) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw OutputError("writing " + target.string() + ": " + e.code().message());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync(folder_of(target), target);
}

}  // namespace rlhf
