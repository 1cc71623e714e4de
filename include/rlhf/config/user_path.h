#pragma once

#include <string>
#include <string_view>

namespace rlhf {

/// A path as a user writes it in a config or on the command line, which no shell has expanded.
struct UserPath {
  std::string path;   ///< a leading "~" or "~/" is replaced by the home folder, $HOME
  std::string fault;  ///< "expected …, found …" if the path means something else than it says; else empty
};

/// Refused are "~user", "~" without $HOME, and variables ("$DATA/x", "${DATA}/x") unless a file has that very name:
/// the config in a run folder must say where the files were.
UserPath expand_path(std::string_view text);

}  // namespace rlhf
