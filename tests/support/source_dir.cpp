#include "support/source_dir.h"

#include <cstdlib>

namespace rlhf::testing {

std::string source_dir() {
  const char* moved = std::getenv("RLHF_TEST_SOURCE_DIR");
  return moved != nullptr ? moved : RLHF_TEST_SOURCE_DIR;
}

}  // namespace rlhf::testing
