#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// Shows the progress of a run: a line that is updated in place if stderr is a terminal, otherwise about fifty log
/// lines per run.
class Progress {
 public:
  Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps);
  ~Progress();
  /// Shows the metrics `headline` and the speed; `tokens_per_second` is 0 if unknown.
  void show(std::int64_t step, const Metrics& headline, double tokens_per_second = 0);

 private:
  std::string line(std::int64_t step, double tokens_per_second) const;

  std::string stage_;
  std::int64_t first_step_, total_steps_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  Metrics last_;  ///< metrics of an evaluation are shown until the next one
};

}  // namespace rlhf
