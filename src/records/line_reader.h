#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "records/byte_reader.h"

namespace rlhf {

/// Reads the texts of a file's records one at a time: the lines that are not blank, or the elements of the array of a
/// `.json` file.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 64u << 20;

  explicit LineReader(const std::filesystem::path& file);
  /// Reads the next line without its ending (LF or CRLF), or the next element. A text longer than kMaxLineBytes is cut
  /// after one more byte. Returns false at the end. Throws DataError like ByteReader, and if an array has no end or is
  /// followed by more text.
  bool next(std::string& text) { return is_array_ ? next_element(text) : next_line(text); }
  std::int64_t line() const { return line_; }  ///< 1-based line at which the last text began

 private:
  bool begins_array();
  bool next_line(std::string& line);
  void read_line(std::string& line);
  bool next_element(std::string& element);
  char read_element(std::string& element);
  void end_array();
  char peek_past_space();
  char take_byte();

  ByteReader bytes_;
  bool is_array_ = false, at_start_ = true, ended_ = false;  // at_start_ and ended_ are for arrays
  std::int64_t line_ = 0;
  std::int64_t newlines_ = 0;  // newlines consumed so far, in an array
};

}  // namespace rlhf
