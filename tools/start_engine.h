#pragma once

#include <cstdint>
#include <optional>

#include "command_line.h"

namespace rlhf {

/// Sets the environment variables that LibTorch reads while it loads (threads, their waiting policy, allocator), unless
/// the user has set them, and replaces this process by libexec/rlhf/rlhf-engine with the same arguments. Does not
/// return; throws Error if the engine cannot be started.
[[noreturn]] void start_engine(const Tool& tool, std::optional<std::int64_t> threads, int argc, char** argv);

}  // namespace rlhf
