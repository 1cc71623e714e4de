#include "files/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <zlib.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr std::size_t kBufferBytes = 256u << 10;

[[noreturn]] void unreadable(const std::filesystem::path& path, const std::string& found) {
  throw DataError("cannot read " + path.string() + ": expected a JSONL file, found " + found);
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& file) : path_(file), buffer_(kBufferBytes) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    unreadable(file, "a folder; hint: name its files, \"folder/*.jsonl\"");
  errno = 0;
  file_.reset(gzopen(file.c_str(), "rb"));
  if (!file_) unreadable(file, errno == ENOENT ? "nothing there" : std::strerror(errno));
}

void LineReader::Close::operator()(gzFile_s* file) const { gzclose_r(file); }

bool LineReader::fill() {
  const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  if (count <= 0) {
    int code = Z_OK;
    const char* reason = gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR) unreadable(path_, "a gzip file that is cut short");
    if (code == Z_ERRNO) unreadable(path_, std::strerror(errno));
    if (code != Z_OK) unreadable(path_, std::string("a broken gzip file (") + reason + ")");
  }
  begin_ = 0;
  end_ = static_cast<std::size_t>(std::max(count, 0));
  return end_ > 0;
}

bool LineReader::next(std::string& line) {
  line.clear();
  if (begin_ == end_ && !fill()) return false;
  ++line_;
  bool complete = false;
  while (!complete && (begin_ < end_ || fill())) {
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    complete = newline != nullptr;
    const std::size_t length = complete ? static_cast<std::size_t>(newline - from) : end_ - begin_;
    line.append(from, std::min(length, kMaxLineBytes + 1 - line.size()));
    begin_ += length + (complete ? 1 : 0);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  return true;
}

}  // namespace rlhf
