#pragma once

#include <string>

#include "feedback_source.h"

namespace rlhf {

/// The command line of rlhf-feedback convert.
struct ConvertOptions {
  FeedbackSource source;
  std::string to = "judgments", output, pseudonyms;
  bool overwrite = false;
};

/// The text of --help.
std::string convert_help();

/// Converts the file. The output is written when all of the input was read, so bad input writes nothing. Throws
/// ConfigError, DataError and OutputError.
void convert(const ConvertOptions& options);

}  // namespace rlhf
