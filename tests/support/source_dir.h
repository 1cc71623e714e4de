#pragma once

#include <string>

namespace rlhf::testing {

/// The folder tests/ of the source tree, or what the environment variable RLHF_TEST_SOURCE_DIR says, for programs that
/// run on another machine. Not a macro, so that object files do not depend on where the tree is.
std::string source_dir();

}  // namespace rlhf::testing
