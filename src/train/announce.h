#pragma once

#include <string>
#include <vector>

#include "rlhf/nn/model_folder.h"
#include "rlhf/runs/run_folder.h"
#include "rlhf/train/plan.h"

namespace rlhf {

/// What a run will do, as printed by --dry-run and at the start of the log.
struct Announcement {
  std::string plan;
  std::vector<std::string> data;  ///< DataReport::lines()
  std::string adapter;            ///< describe_adapter()
  std::string compute;
  MemoryForecast memory;
  std::vector<std::string> cluster;        ///< scale_table(), instead of compute and memory
  std::vector<std::string> first_samples;  ///< trained tokens marked; safe for a terminal
};

/// "rank 16, 1204224 of 111312384 weights are trained (1.1 %)"; "" if all are.
std::string describe_adapter(const ModelFolder& folder);

/// Prints the announcement to stdout (--dry-run).
void print(const Announcement& announcement);
/// Writes the announcement to the log.
void log(const Announcement& announcement);
void log_finished(const RunFolder& folder);

}  // namespace rlhf
