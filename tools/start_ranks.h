#pragma once

namespace rlhf {

/// Starts this program `count` times, as the ranks of a run on this machine, and waits for them. Passes signals on to
/// all of them. Lines on stderr of ranks above 0 get the prefix "rank 1: ". Returns the exit code of the first that
/// failed, or ExitCode::rank if a signal ended it; those that have not ended 20 s later are killed.
int run_ranks(int count, char** argv);

}  // namespace rlhf
