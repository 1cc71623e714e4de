#pragma once

#include <string>
#include <vector>

#include "rlhf/records/feedback_formats.h"

namespace rlhf {

/// A file of feedback on the command line, and how to read it.
struct FeedbackSource {
  std::string file, from, annotator, role;
  std::vector<std::string> fields;  ///< "NAME=THEIRS"
};

/// Throws ConfigError.
FeedbackReading reading_of(const FeedbackSource& source);
/// The format NAME of `flag`, of all formats or of those that are written. Throws ConfigError.
FeedbackFormat format_named(const std::string& flag, const std::string& name, bool to_write);
/// Throws ConfigError "command line: FLAG: expected EXPECTED, found FOUND".
[[noreturn]] void refuse(const std::string& flag, const std::string& expected, const std::string& found);

}  // namespace rlhf
