#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// The command line of rlhf-feedback convert.
struct ConvertOptions {
  std::string file, from, to = "judgments", output, pseudonyms, annotator, role;
  std::vector<std::string> fields;  ///< "NAME=THEIRS"
  bool overwrite = false;
};

/// The text of --help.
std::string convert_help();

/// Converts the file. The output is written when all of the input was read, so bad input writes nothing. Throws
/// ConfigError, DataError and OutputError.
void convert(const ConvertOptions& options);

}  // namespace rlhf
