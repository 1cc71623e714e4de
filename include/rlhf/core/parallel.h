#pragma once

#include <cstddef>
#include <functional>

namespace rlhf {

/// body(i) for every i < count, in no order, on as many threads as this process has CPUs. If calls throw, what the one
/// with the smallest i of those that ran threw is thrown here, and the rest may not run.
void for_each_index(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace rlhf
