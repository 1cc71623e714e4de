#pragma once

namespace rlhf {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 that only raise a flag; a second signal ends the process at once.
void install_signal_handlers();
/// The signal that asked us to stop, or 0. Long loops poll it: rollout, evaluation, data scan, training step.
int stop_signal();
/// Throws Interrupted if a signal has come and no StopDeferral exists.
void stop_if_signalled();

/// While one exists, stop_if_signalled() does not throw: for work that must not end half-way. Whoever creates it polls
/// stop_signal() afterwards, or relies on the next stop_if_signalled().
class StopDeferral {
 public:
  StopDeferral();
  ~StopDeferral();
  StopDeferral(const StopDeferral&) = delete;
  StopDeferral& operator=(const StopDeferral&) = delete;
};

/// For tests: as if the signal had come (0 clears it).
void set_stop_signal(int signal);

}  // namespace rlhf
