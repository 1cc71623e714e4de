#pragma once

#include <string>

namespace rlhf::testing {

/// The folder tests/ of the source tree. Not a macro, so that object files do not depend on where the tree is.
std::string source_dir();

}  // namespace rlhf::testing
