#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "rlhf/core/log.h"

namespace rlhf {

/// Counts the lines of a JSONL file of a run that a page leaves out, and says so.
class BadLines {
 public:
  explicit BadLines(std::filesystem::path file) : file_(std::move(file)) {}
  void add(std::int64_t line) {
    if (count_++ == 0) first_ = line;
  }
  /// Logs a warning if there are any.
  void warn() const {
    if (count_ == 0) return;
    log_warning(file_.string() + ":" + std::to_string(first_) +
                ": expected an object with a \"step\", found something else; left out of the page: " +
                std::to_string(count_) + (count_ == 1 ? " line" : " lines"));
  }

 private:
  std::filesystem::path file_;
  std::int64_t count_ = 0, first_ = 0;
};

}  // namespace rlhf
