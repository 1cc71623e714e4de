#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "records/byte_reader.h"

namespace rlhf {

/// The texts of a file's records, one at a time: its lines that are not blank, or the elements of the one array that a
/// `.json` file holds.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 64u << 20;

  explicit LineReader(const std::filesystem::path& file);
  /// The next line without its ending (LF or CRLF), or the next element. One over kMaxLineBytes comes back cut to one
  /// byte more than that. False at the end. Throws DataError as ByteReader does, and for an array that does not end or
  /// that something follows.
  bool next(std::string& text) { return is_array_ ? next_element(text) : next_line(text); }
  std::int64_t line() const { return line_; }  ///< 1-based number of the line where the last text began

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
  bool is_array_ = false, at_start_ = true, ended_ = false;  // the last two of an array
  std::int64_t line_ = 0;
  std::int64_t newlines_ = 0;  // taken so far, in an array
};

}  // namespace rlhf
