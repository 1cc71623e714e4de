#pragma once

#include <functional>

namespace rlhf {

/// Runs the body of a `main` and returns its exit code. Prints an exception on stderr, one line per issue, and maps it
/// to the exit codes of core/error.h: 128 + signal after a signal, 7 if memory ran out.
int run_guarded(const std::function<void()>& body);

}  // namespace rlhf
