#pragma once

#include <filesystem>
#include <string_view>

namespace rlhf {

/// A file that only grows. Every failure is an OutputError with the path and the system's reason.
class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);  ///< at once, so that a program following the file sees it
  void sync();                          ///< safe from a power cut when it returns

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace rlhf
