// The file of --output.
#include "output_file.h"

#include <iostream>
#include <string>
#include <unistd.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/message.h"
#include "rlhf/core/signals.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

bool allowed_on_terminal(const fs::path& output) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) return false;
  std::cerr << one_line(output.string()) << " exists. Overwrite it? [y/N] " << std::flush;
  const StopAtOnce at_question;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

void make_parent_folder(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw OutputError("creating " + folder.string() + ": " + error.message());
}

void check_output(const fs::path& output, bool overwrite) {
  if (output.empty()) return;
  std::error_code ignored;
  if (fs::is_regular_file(output, ignored) && !overwrite && !allowed_on_terminal(output))
    throw ConfigError({"output: expected a file that does not exist, found " + output.string() +
                       "; hint: choose another name, or add --overwrite"});
}

void write_output(const fs::path& output, const std::function<void(std::ostream&)>& write) {
  if (output.empty()) return write(std::cout);
  make_parent_folder(output);
  try {
    write_file_gradually(output, write);
  } catch (...) {
    const fs::path partial = output.string() + ".partial";
    std::error_code ignored;
    if (fs::is_regular_file(partial, ignored) && fs::file_size(partial, ignored) > 0)
      log_warning("not complete; what was written so far is in " + partial.string());
    throw;
  }
}

}  // namespace rlhf
