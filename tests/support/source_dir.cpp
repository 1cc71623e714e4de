#include "support/source_dir.h"

namespace rlhf::testing {

std::string source_dir() { return RLHF_TEST_SOURCE_DIR; }

}  // namespace rlhf::testing
