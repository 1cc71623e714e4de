#pragma once

#include <filesystem>
#include <string_view>

namespace rlhf {

/// A file that is only appended to. Every failure throws an OutputError with the path and the system's reason.
class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);  ///< unbuffered, so that a program that follows the file sees it
  /// Returns when the data is on disk. Throws also if the path no longer leads to this file.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace rlhf
