#pragma once

#include <string>
#include <vector>

#include "rlhf/runs/run_folder.h"
#include "rlhf/train/plan.h"

namespace rlhf {

/// What a run is about to do, in the words used by --dry-run and by the first lines of the log.
struct Announcement {
  std::string plan;
  std::vector<std::string> data;  ///< DataReport::lines()
  std::string compute;
  MemoryForecast memory;
  std::vector<std::string> first_samples;  ///< trained tokens marked
};

/// --dry-run: to stdout, because it is what was asked for.
void print(const Announcement& announcement);
/// Start of a run: to the log.
void log(const Announcement& announcement);
void log_finished(const RunFolder& folder);

}  // namespace rlhf
