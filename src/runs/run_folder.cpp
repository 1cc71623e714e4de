// Creates a run folder and its first files.
#include "rlhf/runs/run_folder.h"

#include <system_error>
#include <vector>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "runs/made_folders.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.yaml";
constexpr const char* kLog = "log.txt";
constexpr const char* kRunJsonPart = ".run.json.partial";  // of write_file_atomically

}  // namespace

bool RunFolder::finished() const {
  std::error_code ignored;
  return fs::exists(final_model(), ignored);
}

bool RunFolder::empty() const {
  std::error_code ignored;
  if (!fs::exists(path_, ignored)) return true;
  if (!fs::is_directory(path_, ignored)) return false;
  return with_file_errors(ExitCode::output, [&] {
    for (const auto& entry : fs::directory_iterator(path_)) {
      const fs::path name = entry.path().filename();
      if (name != kRunJsonPart && name != lock().filename()) return false;
    }
    return true;
  });
}

void RunFolder::create(const std::string& config_yaml, const std::string& run_json_text, bool resume) const {
  std::error_code ignored;
  if (fs::exists(path_, ignored) && !fs::is_directory(path_, ignored))
    throw ConfigError({"train.output: expected a folder, found the file " + path_.string()});
  const bool was_empty = empty();
  if (!resume && !was_empty)
    throw ConfigError({"train.output: expected an empty or absent folder, found files in " + path_.string() +
                       "; hint: add --resume to continue that run"});
  const std::vector<fs::path> made = make_folders(path_);
  try {
    write_file_atomically(run_json(), run_json_text);  // first, because it marks the folder as a run folder
    write_file_atomically(path_ / kConfig, config_yaml);
    log_to_file(path_ / kLog);
  } catch (const Error&) {
    if (was_empty)
      for (const fs::path& file : {run_json(), path_ / kConfig, path_ / kLog}) fs::remove(file, ignored);
    remove_if_empty(made);
    throw;
  }
}

}  // namespace rlhf
