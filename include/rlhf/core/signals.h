#pragma once

namespace rlhf {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 that only raise a flag; a second signal ends the process at once.
void install_signal_handlers();
/// The signal that asked us to stop, or 0. Long loops poll it: rollout, evaluation, data scan, training step.
int stop_signal();
/// Throws Interrupted when a signal has come. For loops that have nothing to save.
void stop_if_signalled();
/// For tests: as if the signal had come (0 clears it).
void set_stop_signal(int signal);

}  // namespace rlhf
