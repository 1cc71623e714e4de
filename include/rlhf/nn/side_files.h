#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// A file of a model folder besides config.json and the weights, with its content in memory. A run reads these files
/// once, at its start, so that what it saves does not depend on what happens to the folder meanwhile.
struct SideFile {
  std::string name;  ///< relative to the model folder that is written
  std::string content;
};
using SideFiles = std::vector<SideFile>;

/// Reads the files of a tokenizer (Tokenizer::files()). A SentencePiece model is called tokenizer.model in a model
/// folder, whatever its name was. Throws an Error of ExitCode::model if a file cannot be read, is not regular, or has
/// more than kMaxModelFileBytes.
SideFiles read_side_files(const std::vector<std::filesystem::path>& files);

/// Writes the files into `folder`, which exists. Throws OutputError.
void write_side_files(const SideFiles& files, const std::filesystem::path& folder);

}  // namespace rlhf
