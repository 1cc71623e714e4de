// Signal handlers that set a flag.
#include "rlhf/core/signals.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

std::atomic<int> stop_request{0};
std::atomic<int> deferrals{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int signal) {
  if (stop_request.exchange(signal) != 0) _exit(128 + signal);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // do not interrupt reads and writes; the loops poll the flag
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

int stop_signal() { return stop_request.load(std::memory_order_relaxed); }

void stop_if_signalled() {
  if (const int signal = stop_signal(); signal != 0 && deferrals.load() == 0) throw Interrupted(signal);
}

StopDeferral::StopDeferral() { ++deferrals; }
StopDeferral::~StopDeferral() { --deferrals; }

void set_stop_signal(int signal) { stop_request.store(signal); }

}  // namespace rlhf
