#pragma once

#include <cstdint>

#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// How a stage is to be run; not part of the config, because it does not change what a run computes.
struct RunOptions {
  bool dry_run = false;             ///< print plan, memory forecast and first samples to stdout, then return
  bool resume = false;              ///< go on from the newest checkpoint that verifies; start if there is none
  bool accept_differences = false;  ///< resume or use a folder although data, machine or template differ
};

/// What a run did.
struct RunSummary {
  std::int64_t steps = 0;  ///< done by this call: 0 for a dry run and for a run that was finished already
  WorkCounters work;       ///< of these steps and of the evaluations between them
};

}  // namespace rlhf
