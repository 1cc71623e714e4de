// Signal handlers that set a flag.
#include "rlhf/core/signals.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

std::atomic<int> stop_request{0};
std::atomic<int> deferrals{0};
std::atomic<int> waits{0};  // objects of StopAtOnce
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

// SIGHUP comes twice when a terminal closes, SIGXCPU every second, and job schedulers repeat SIGUSR1 and SIGUSR2.
bool ends_when_repeated(int signal) { return signal == SIGINT || signal == SIGTERM || signal == SIGQUIT; }

void on_signal(int signal) {
  if (waits.load() > 0) {
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, "\n", 1);  // ends the line of the prompt
    _exit(128 + signal);
  }
  int none = 0;
  if (!stop_request.compare_exchange_strong(none, signal) && ends_when_repeated(signal)) _exit(128 + signal);
}

bool is_ignored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void prepare_process() {
  // open() returns the lowest free descriptor, which is `stream`: those below it are open.
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1) _exit(static_cast<int>(ExitCode::output));
  for (int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // do not interrupt reads and writes; the loops poll the flag
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGXCPU, SIGUSR1, SIGUSR2})
    if (signal != SIGHUP || !is_ignored(signal)) sigaction(signal, &action, nullptr);
}

int stop_signal() { return stop_request.load(std::memory_order_relaxed); }

void stop_if_signalled() {
  if (const int signal = stop_signal(); signal != 0 && deferrals.load() == 0) throw Interrupted(signal);
}

StopDeferral::StopDeferral() { ++deferrals; }
StopDeferral::~StopDeferral() { --deferrals; }

StopAtOnce::StopAtOnce() {
  ++waits;
  if (const int signal = stop_signal(); signal != 0) {
    --waits;
    throw Interrupted(signal);
  }
}
StopAtOnce::~StopAtOnce() { --waits; }

void set_stop_signal(int signal) { stop_request.store(signal); }

}  // namespace rlhf
