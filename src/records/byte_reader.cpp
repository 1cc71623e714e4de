// Reads plain and gzip files in blocks.
#include "records/byte_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <zlib.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr std::size_t kBufferBytes = 256u << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// How many times as large as the file its text may be: gzip shrinks records of real data by less than a tenth of this,
/// and a bomb by 1000.
constexpr std::uintmax_t kMostExpansion = 200;
constexpr std::uintmax_t kAlwaysRead = std::uintmax_t{64} << 20;  ///< bytes of text before that is checked

}  // namespace

ByteReader::ByteReader(const std::filesystem::path& file) : path_(file), buffer_(kBufferBytes) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (std::filesystem::is_directory(status)) refuse("a folder; hint: give its files, \"folder/*.jsonl\"");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    refuse(std::string(std::filesystem::is_fifo(status) ? "a FIFO" : "a device or socket") +
           "; hint: write its content to a file, because a run reads data more than once");
  size_ = std::filesystem::file_size(file, error);
  errno = 0;
  file_.reset(gzopen(file.c_str(), "rb"));
  if (!file_) refuse(errno == ENOENT ? "no such file" : std::strerror(errno));
  if (ahead().starts_with(kByteOrderMark)) take(kByteOrderMark.size());
}

void ByteReader::Close::operator()(gzFile_s* file) const { gzclose_r(file); }

void ByteReader::refuse(const std::string& found) const {
  throw DataError("cannot read " + path_.string() + ": expected a JSONL file, found " + found);
}

void ByteReader::fill() {
  const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  if (count <= 0) {
    int code = Z_OK;
    const char* reason = gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR) refuse("a truncated gzip file");
    if (code == Z_ERRNO) refuse(std::strerror(errno));
    if (code != Z_OK) refuse(std::string("a broken gzip file (") + reason + ")");
  }
  begin_ = 0;
  end_ = static_cast<std::size_t>(std::max(count, 0));
  total_ += end_;
  if (total_ > kAlwaysRead && total_ / kMostExpansion > size_)
    refuse("a gzip file that expands more than " + std::to_string(kMostExpansion) + " times; hint: unpack it");
}

std::string_view ByteReader::ahead() {
  if (begin_ == end_) fill();
  return {buffer_.data() + begin_, end_ - begin_};
}

}  // namespace rlhf
