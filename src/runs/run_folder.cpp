// Creates a run folder and its first files.
#include "rlhf/runs/run_folder.h"

#include <system_error>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

// The topmost folder of `path` that does not exist, to be removed if the start fails; empty if all exist.
fs::path first_missing(const fs::path& path) {
  fs::path missing;
  for (fs::path at = path; !at.empty() && !fs::exists(at); at = at.parent_path()) missing = at;
  return missing;
}

void remove_contents(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) fs::remove_all(entry.path(), ignored);
}

}  // namespace

bool RunFolder::finished() const {
  std::error_code ignored;
  return fs::exists(final_model(), ignored);
}

bool RunFolder::empty() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored))
    if (entry.path().filename() != ".run.json.partial") return false;  // a killed start can leave this file
  return !fs::exists(path_, ignored) || fs::is_directory(path_, ignored);
}

void RunFolder::create(const std::string& config_yaml, const std::string& run_json, bool resume) const {
  std::error_code ignored;
  if (fs::exists(path_, ignored) && !fs::is_directory(path_, ignored))
    throw ConfigError({"train.output: expected a folder, found the file " + path_.string()});
  const bool was_empty = empty();
  if (!resume && !was_empty)
    throw ConfigError({"train.output: expected an empty or absent folder, found files in " + path_.string() +
                       "; hint: add --resume to continue that run"});
  fs::path made;
  try {
    made = first_missing(path_);
    fs::create_directories(path_);
    write_file_atomically(path_ / "run.json", run_json);  // first, because it marks the folder as a run folder
    write_file_atomically(path_ / "config.yaml", config_yaml);
    log_to_file(path_ / "log.txt");
  } catch (const std::exception& error) {
    if (was_empty) remove_contents(path_);
    if (!made.empty()) fs::remove_all(made, ignored);
    if (const auto* system = dynamic_cast<const fs::filesystem_error*>(&error))
      throw OutputError("writing " + path_.string() + ": " + system->code().message());
    throw;
  }
}

}  // namespace rlhf
