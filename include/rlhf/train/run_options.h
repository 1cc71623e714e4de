#pragma once

#include <cstdint>

#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// How to run a stage. Not part of the config, because these options do not change the result of a run.
struct RunOptions {
  bool dry_run = false;             ///< print plan, memory forecast and first samples to stdout, then return
  bool resume = false;              ///< resume from the newest valid checkpoint, or start if there is none
  bool accept_differences = false;  ///< resume, or use a model folder, although data, machine or template differ
};

/// The summary of a run.
struct RunSummary {
  std::int64_t steps = 0;  ///< steps of this call: 0 for a dry run and for a run that was already finished
  WorkCounters work;       ///< the work of these steps and of their evaluations
};

}  // namespace rlhf
