#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// Shows a person how far the run is: one line that rewrites itself on a terminal (stderr), plain log lines elsewhere,
/// about fifty of them in a run.
class Progress {
 public:
  Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps);
  ~Progress();
  /// `headline` are the figures to show, `tokens_per_second` the speed of a step (0: of none).
  void show(std::int64_t step, const Metrics& headline, double tokens_per_second = 0);

 private:
  std::string line(std::int64_t step, double tokens_per_second) const;

  std::string stage_;
  std::int64_t first_step_, total_steps_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  Metrics last_;  ///< figures of an evaluation are shown until the next one
};

}  // namespace rlhf
