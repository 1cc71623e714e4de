#pragma once

#include <cstdlib>
#include <filesystem>

#include "support/source_dir.h"

namespace rlhf::testing {

/// The folder of reference data that is not part of the project: RLHF_SHARED_DATA, else ../shared beside the project.
inline std::filesystem::path shared_data() {
  const char* const said = std::getenv("RLHF_SHARED_DATA");
  return said != nullptr ? std::filesystem::path(said) : std::filesystem::path(source_dir()) / ".." / ".." / "shared";
}

}  // namespace rlhf::testing
