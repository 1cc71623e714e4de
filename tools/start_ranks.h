#pragma once

namespace rlhf {

/// Starts this program `count` times, as the ranks of a run on this machine, and waits for them. Passes signals on to
/// all of them. Lines on stderr of ranks above 0 get the prefix "rank 1: ". If one fails before all have joined, the
/// others are stopped; if one fails later, they find out, and those that have not ended after 20 s are killed. Returns
/// the exit code of the first that failed by itself, or ExitCode::rank if a signal ended it.
int run_ranks(int count, char** argv);

}  // namespace rlhf
