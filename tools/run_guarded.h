#pragma once

#include <functional>

namespace rlhf {

/// Runs the body of a `main` and returns its exit code; calls prepare_process() first. Prints an exception on stderr,
/// one line per issue, and maps it to the exit codes of core/error.h: 128 + signal after a signal, 7 if memory ran out,
/// 10 for a failure of the file system that no part of the program gave another code.
int run_guarded(const std::function<void()>& body);

/// Flushes the standard streams and ends the process with `code`, without the destructors of libraries: those of
/// LibTorch take 0.2 s. Call it at the end of `main`, when everything that writes to files is closed. A build with
/// sanitizers ends the usual way, because they report at exit.
[[noreturn]] void end_process(int code);

}  // namespace rlhf
