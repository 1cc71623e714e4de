// A file that is only appended to.
#include "runs/append_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw OutputError("writing " + path.string() + ": " + std::strerror(errno));
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail(path_);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::sync() {
  // A pipe or a terminal cannot be synced: fsync returns EINVAL.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail(path_);
  struct stat opened = {}, found = {};
  const bool same = ::fstat(descriptor_, &opened) == 0 && ::stat(path_.c_str(), &found) == 0 &&
                    opened.st_ino == found.st_ino && opened.st_dev == found.st_dev;
  if (!same)
    throw OutputError("writing " + path_.string() +
                      ": expected the file, found that it was removed or replaced during the run");
}

}  // namespace rlhf
