#pragma once

#include <functional>

namespace rlhf {

/// Runs the body of a `main` and returns its exit code. What it throws is told on stderr, one line each, and becomes
/// the exit code of core/error.h; 128 + signal after a signal; 7 when memory runs out.
int run_guarded(const std::function<void()>& body);

}  // namespace rlhf
