#pragma once

#include <cstdint>

namespace rlhf {

/// Resident memory of this process, in bytes (VmRSS).
std::int64_t resident_memory();

/// Gives memory that the allocator keeps for later back to the system. Freed blocks of one phase of a run seldom have
/// the sizes that the next phase needs.
void return_free_memory();

}  // namespace rlhf
