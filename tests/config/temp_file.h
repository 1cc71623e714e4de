#pragma once

#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

namespace rlhf {

/// A file with this text in a folder of its own, removed when it goes.
class TempFile {
 public:
  TempFile(const std::string& name, const std::string& text) : path_(folder_.write(name, text)) {}
  const std::filesystem::path& path() const { return path_; }

 private:
  testing::TemporaryFolder folder_;
  std::filesystem::path path_;
};

}  // namespace rlhf
