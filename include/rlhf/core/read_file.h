#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rlhf/core/error.h"

namespace rlhf {

// Largest sizes of files that are read, by kind. Files of data and weights have no limit: they are read in parts.
inline constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{1} << 20;      ///< the config of a run
inline constexpr std::uintmax_t kMaxTemplateBytes = std::uintmax_t{4} << 20;    ///< a chat template
inline constexpr std::uintmax_t kMaxModelFileBytes = std::uintmax_t{96} << 20;  ///< a file of a tokenizer or model
inline constexpr std::uintmax_t kMaxRunFileBytes = std::uintmax_t{64} << 20;    ///< run.json, state.json, manifest.json
inline constexpr std::uintmax_t kMaxRunLogBytes = std::uintmax_t{4} << 30;      ///< metrics, samples, event files
inline constexpr std::uintmax_t kNoLimit = UINTMAX_MAX;

/// A regular file that is open for reading. Other kinds are refused, because a FIFO or a terminal can block for ever
/// and a device may have no end. Symbolic links are followed.
class RegularFile {
 public:
  /// Throws an Error with `code` (the caller knows what kind of file it is): "reading PATH: expected a regular file,
  /// found a FIFO", "reading PATH: expected at most N bytes, found M", "reading PATH: No such file or directory".
  RegularFile(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes = kNoLimit);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  std::uintmax_t size() const { return size_; }  ///< in bytes, when the file was opened
  /// Reads up to `count` bytes at the current place. Returns how many; 0 at the end. Throws the Error.
  std::size_t read(char* bytes, std::size_t count);
  void seek(std::uintmax_t offset);

 private:
  [[noreturn]] void fail(const std::string& reason) const;

  std::filesystem::path path_;
  ExitCode code_;
  int descriptor_ = -1;
  std::uintmax_t size_ = 0;
};

/// Returns the content of a regular file of at most `max_bytes`. Throws an Error with `code`, as RegularFile does.
std::string read_file(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes = kMaxModelFileBytes);

/// The lines of a regular file, one at a time.
class FileLines {
 public:
  /// Throws an Error with `code`, as RegularFile does.
  FileLines(const std::filesystem::path& path, ExitCode code, std::uintmax_t max_bytes);
  /// Reads the next line without its newline. Of a line longer than kMaxLineBytes, the rest is dropped. Returns false
  /// at the end of the file.
  bool next(std::string& line);
  std::int64_t number() const { return number_; }    ///< of the last line, from 1
  bool has_newline() const { return newline_; }      ///< whether the last line is complete
  std::uintmax_t offset() const { return offset_; }  ///< of the byte after the last line

  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

 private:
  RegularFile file_;
  std::vector<char> block_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t number_ = 0;
  std::uintmax_t offset_ = 0;
  bool newline_ = false;
};

}  // namespace rlhf
