// Reads and writes the files of a model folder besides config.json and the weights.
#include "rlhf/nn/side_files.h"

#include <system_error>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

std::string name_in_folder(const fs::path& file) {
  if (file.extension() == ".model") return "tokenizer.model";
  const fs::path folder = file.parent_path().filename();
  return folder == "additional_chat_templates" ? (folder / file.filename()).string() : file.filename().string();
}

}  // namespace

SideFiles read_side_files(const std::vector<fs::path>& files) {
  SideFiles result;
  for (const fs::path& file : files) {
    result.push_back({name_in_folder(file), read_file(file, ExitCode::model)});
  }
  return result;
}

void write_side_files(const SideFiles& files, const fs::path& folder) {
  for (const SideFile& file : files) {
    const fs::path target = folder / file.name;
    std::error_code error;  // writing says why there is no folder
    fs::create_directories(target.parent_path(), error);
    write_file_atomically(target, file.content);
  }
}

}  // namespace rlhf
