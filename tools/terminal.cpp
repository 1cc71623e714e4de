// Waiting for a person.
#include "terminal.h"

#include <poll.h>
#include <unistd.h>

#include "rlhf/core/signals.h"

namespace rlhf {

void await_terminal() {
  constexpr int kMilliseconds = 100;  // a signal just before poll() does not end it
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, kMilliseconds) <= 0) stop_if_signalled();
}

}  // namespace rlhf
