#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gzFile_s;

namespace rlhf {

/// Reads the bytes of a plain or gzip file in blocks. Throws DataError if the file is missing, unreadable, truncated or
/// no regular file, or if a gzip file expands to more than 64 MiB and more than 200 times its size.
class ByteReader {
 public:
  explicit ByteReader(const std::filesystem::path& file);
  /// The bytes that were read but not consumed yet: at least one, or none at the end of the file. A byte order mark at
  /// the start of the file is skipped.
  std::string_view ahead();
  void take(std::size_t count) { begin_ += count; }
  const std::filesystem::path& path() const { return path_; }
  [[noreturn]] void refuse(const std::string& found) const;

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  void fill();

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uintmax_t size_ = 0, total_ = 0;  ///< bytes of the file; bytes of text read so far
};

}  // namespace rlhf
