#pragma once

namespace rlhf {

/// Call it first in `main`, before any file is opened. Opens /dev/null on those of the descriptors 0 to 2 that are
/// closed; otherwise the next file that is opened would become the standard error stream and take its messages. Makes
/// writes to a closed pipe (SIGPIPE) and beyond the size limit of files (SIGXFSZ) fail instead of ending the process.
void prepare_process();

/// Installs handlers that only set a flag, for SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGXCPU, SIGUSR1 and SIGUSR2. A SIGHUP
/// that is ignored (nohup) stays ignored. A second SIGINT, SIGTERM or SIGQUIT ends the process at once, with 128 +
/// signal; the others are often sent several times and do not.
void install_signal_handlers();
/// The first signal that was received, or 0. Long loops poll it: rollout, evaluation, reading data, training step.
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

/// While an object of this class exists, the first signal ends the process at once, with 128 + signal: for a place that
/// waits for the user and has nothing to save. The constructor throws Interrupted if a signal was received before.
class StopAtOnce {
 public:
  StopAtOnce();
  ~StopAtOnce();
  StopAtOnce(const StopAtOnce&) = delete;
  StopAtOnce& operator=(const StopAtOnce&) = delete;
};

/// For tests: sets the flag as if `signal` had been received (0 clears it).
void set_stop_signal(int signal);

}  // namespace rlhf
