#pragma once

namespace rlhf {

/// Waits until a line can be read from a terminal on stdin. A signal ends the wait: throws Interrupted, which a read
/// does not, because it is restarted.
void await_terminal();

}  // namespace rlhf
