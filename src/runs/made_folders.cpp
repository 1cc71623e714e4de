// Creates folders and removes only what was created.
#include "runs/made_folders.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "rlhf/core/error.h"

namespace rlhf {

namespace fs = std::filesystem;

std::vector<fs::path> make_folders(const fs::path& folder) {
  std::vector<fs::path> made;
  fs::path at;
  for (const fs::path& part : folder) {
    at /= part;
    if (at.filename().empty()) continue;  // "runs/x/"
    if (::mkdir(at.c_str(), 0777) == 0) {
      made.push_back(at);
    } else if (const int error = errno; error != EEXIST && ::access(at.c_str(), F_OK) != 0) {
      remove_if_empty(made);
      throw OutputError("writing " + folder.string() + ": " + std::strerror(error));
    }
  }
  struct stat status = {};
  if (::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return made;
  remove_if_empty(made);
  throw OutputError("writing " + folder.string() + ": " + std::strerror(ENOTDIR));
}

void remove_if_empty(const std::vector<fs::path>& folders) {
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder)
    if (::rmdir(folder->c_str()) != 0 && errno != ENOENT) return;
}

}  // namespace rlhf
