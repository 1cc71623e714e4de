#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gzFile_s;

namespace rlhf {

/// Bytes of a plain or gzip file, in pieces. Throws DataError if the file is missing, unreadable or cut short.
class ByteReader {
 public:
  explicit ByteReader(const std::filesystem::path& file);
  /// The bytes that were read and not taken yet, at least one; empty at the end of the file. A byte order mark at the
  /// start of the file is left out.
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
};

}  // namespace rlhf
