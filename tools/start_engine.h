#pragma once

#include <cstdint>
#include <optional>

#include "command_line.h"

namespace rlhf {

/// Sets what LibTorch reads when it loads (threads, how they wait, the allocator), except what the user has set, and
/// replaces this process by libexec/rlhf/rlhf-engine with the same arguments. Returns only by throwing.
[[noreturn]] void start_engine(const Tool& tool, std::optional<std::int64_t> threads, int argc, char** argv);

}  // namespace rlhf
