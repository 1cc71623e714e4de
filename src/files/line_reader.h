#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct gzFile_s;

namespace rlhf {

/// Lines of a plain or gzip file, one at a time. Throws DataError if the file is missing, unreadable or cut short.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 64u << 20;

  explicit LineReader(const std::filesystem::path& file);
  /// The next line without its ending (LF or CRLF) and, at the start of the file, without a byte order mark. A line
  /// over kMaxLineBytes comes back cut to one byte more than that. False at the end.
  bool next(std::string& line);
  std::int64_t line() const { return line_; }  ///< 1-based number of the last line read

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  bool fill();

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t line_ = 0;
};

}  // namespace rlhf
