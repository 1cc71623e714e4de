#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// Tells a person how the run goes: one line that rewrites itself on a terminal (stderr), plain log lines elsewhere,
/// about fifty of them in a run.
class Progress {
 public:
  /// `rate` and the two `figures` are metric names, e.g. "perf/tokens_per_second", "loss", "eval_loss".
  Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps, std::string rate, std::string figure,
           std::string other_figure);
  ~Progress();
  void show(std::int64_t step, const Metrics& metrics);

 private:
  std::string line(std::int64_t step, const Metrics& metrics) const;

  std::string stage_, rate_, figures_[2];
  std::int64_t first_step_, total_steps_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  Metrics last_;  ///< evaluation figures stay on the line until the next evaluation
};

}  // namespace rlhf
