#pragma once

#include <cstddef>
#include <functional>

namespace rlhf {

/// Calls body(i) for every i < count, in no particular order, on as many threads as this process has CPUs. If calls
/// throw, rethrows the exception of the smallest i that ran and threw; the remaining calls may not run.
void for_each_index(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace rlhf
