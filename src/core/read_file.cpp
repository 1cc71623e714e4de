// Reads regular files with limits.
#include "rlhf/core/read_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace rlhf {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

RegularFile::RegularFile(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes)
    : path_(path), code_(code) {
  struct stat status = {};
  // Before the file is opened, because opening a socket fails and opening some devices does something.
  if (::stat(path.c_str(), &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(std::string("expected a regular file, found ") + kind_of(status.st_mode));
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) fail(std::strerror(errno));
  const bool known = ::fstat(descriptor_, &status) == 0;
  size_ = known ? static_cast<std::uintmax_t>(status.st_size) : 0;
  std::string fault;
  if (!known) fault = std::strerror(errno);
  if (known && !S_ISREG(status.st_mode))
    fault = std::string("expected a regular file, found ") + kind_of(status.st_mode);
  if (size_ > max_bytes)
    fault = "expected at most " + std::to_string(max_bytes) + " bytes, found " + std::to_string(size_);
  if (fault.empty()) return;
  ::close(descriptor_);
  fail(fault);
}

RegularFile::~RegularFile() { ::close(descriptor_); }

void RegularFile::fail(const std::string& reason) const {
  throw Error(code_, "reading " + path_.string() + ": " + reason);
}

std::size_t RegularFile::read(char* bytes, std::size_t count) {
  for (;;) {
    const ssize_t done = ::read(descriptor_, bytes, count);
    if (done >= 0) return static_cast<std::size_t>(done);
    if (errno != EINTR) fail(std::strerror(errno));
  }
}

void RegularFile::seek(std::uintmax_t offset) {
  if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0) fail(std::strerror(errno));
}

std::string read_file(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes) {
  RegularFile file(path, code, max_bytes);
  std::string bytes;
  bytes.reserve(file.size());
  std::vector<char> block(kBlockBytes);
  while (const std::size_t count = file.read(block.data(), block.size())) {
    bytes.append(block.data(), count);
    // A file can grow, and files below /proc have the size 0.
    if (bytes.size() > max_bytes)
      throw Error(
          code, "reading " + path.string() + ": expected at most " + std::to_string(max_bytes) + " bytes, found more");
  }
  return bytes;
}

FileLines::FileLines(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes)
    : file_(path, code, max_bytes), block_(kBlockBytes) {}

bool FileLines::next(std::string& line) {
  line.clear();
  newline_ = false;
  const std::uintmax_t start = offset_;
  while (!newline_) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = file_.read(block_.data(), block_.size());
      if (end_ == 0) break;
    }
    const std::string_view ahead(block_.data() + begin_, end_ - begin_);
    const std::size_t newline = ahead.find('\n');
    newline_ = newline != std::string_view::npos;
    const std::size_t length = newline_ ? newline : ahead.size(), taken = length + (newline_ ? 1 : 0);
    line.append(ahead.substr(0, std::min(length, kMaxLineBytes - line.size())));
    begin_ += taken;
    offset_ += taken;
  }
  if (offset_ == start) return false;
  ++number_;
  return true;
}

}  // namespace rlhf
