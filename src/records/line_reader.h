#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "rlhf/config/choices.h"

#include "records/byte_reader.h"

namespace rlhf {

/// Reads the texts of a file's records one at a time: the lines that are not blank, the elements of an array, or, of a
/// `.txt` file, what `sample_by` says.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 64u << 20;

  LineReader(const std::filesystem::path& file, SampleBy sample_by);
  /// Reads the next line without its ending (LF or CRLF), element, paragraph or document. A text longer than
  /// kMaxLineBytes is cut after one more byte. Returns false at the end. Throws DataError like ByteReader, and if an
  /// array has no end or is followed by more text.
  bool next(std::string& text);
  bool is_text() const { return is_text_; }  ///< a `.txt` file, whose texts are not JSON
  /// The bytes after the last text that are in memory: a part of the rest of the file, empty at its end.
  std::string_view ahead() { return bytes_.ahead(); }
  std::int64_t line() const { return line_; }  ///< 1-based line at which the last text began

 private:
  bool begins_array();
  bool next_line(std::string& line);
  bool next_block(std::string& text);
  void read_line(std::string& line);
  bool next_element(std::string& element);
  char read_element(std::string& element);
  void end_array();
  char peek_past_space();
  char take_byte();

  ByteReader bytes_;
  SampleBy sample_by_;
  bool is_text_ = false, is_array_ = false, at_start_ = true, ended_ = false;  // at_start_ and ended_ are for arrays
  std::int64_t line_ = 0;
  std::int64_t lines_ = 0;     // consumed so far, but in an array
  std::int64_t newlines_ = 0;  // newlines consumed so far, in an array
};

}  // namespace rlhf
