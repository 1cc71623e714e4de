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
  /// Without `shown` it shows nothing.
  Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps, bool shown = true);
  ~Progress();
  /// Shows a step: its metrics `headline`, the speed, and a remark.
  void show(std::int64_t step, const Metrics& headline, double tokens_per_second, const std::string& remark = "");
  /// Logs the metrics of an evaluation, once, on a line of their own.
  void show_evaluation(std::int64_t step, const Metrics& headline);
  /// Logs a line that is not overwritten by the next progress line.
  void say(const std::string& text);

 private:
  std::string line(std::int64_t step, const Metrics& headline, double tokens_per_second,
                   const std::string& remark) const;

  std::string stage_;
  std::int64_t first_step_, total_steps_;
  bool shown_, terminal_;
  std::chrono::steady_clock::time_point start_;
  bool open_ = false;  ///< the cursor is behind a line on the terminal
};

}  // namespace rlhf
