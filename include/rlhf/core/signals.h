#pragma once

namespace rlhf {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 that only set a flag; a second signal ends the process at once.
void install_signal_handlers();
/// The signal that was received, or 0. Long loops poll it: rollout, evaluation, reading data, training step.
int stop_signal();
/// Throws Interrupted if a signal was received and no StopDeferral exists.
void stop_if_signalled();

/// While an object of this class exists, stop_if_signalled() does not throw: for work that must not be interrupted. Its
/// owner polls stop_signal() afterwards, or relies on the next stop_if_signalled().
class StopDeferral {
 public:
  StopDeferral();
  ~StopDeferral();
  StopDeferral(const StopDeferral&) = delete;
  StopDeferral& operator=(const StopDeferral&) = delete;
};

/// For tests: sets the flag as if `signal` had been received (0 clears it).
void set_stop_signal(int signal);

}  // namespace rlhf
