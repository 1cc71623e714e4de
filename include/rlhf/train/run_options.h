#pragma once

namespace rlhf {

/// How a stage is to be run; not part of the config, because it does not change what a run computes.
struct RunOptions {
  bool dry_run = false;             ///< print plan, memory forecast and first samples to stdout, then return
  bool resume = false;              ///< go on from the newest checkpoint that verifies; start if there is none
  bool accept_differences = false;  ///< resume or use a folder although data, machine or template differ
};

}  // namespace rlhf
