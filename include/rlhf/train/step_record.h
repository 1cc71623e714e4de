#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/runs/metrics.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// What one step or one evaluation of a method found. A method derives a record of its own with typed figures; names
/// are given to them only here, for files and the progress line, and nothing is read back by name.
struct StepRecord {
  WorkCounters work;        ///< what was computed
  std::int64_t tokens = 0;  ///< tokens of the step's data, each once; makes num_tokens and perf/tokens_per_second
  std::int64_t pairs = 0;   ///< compared pairs; makes num_pairs and perf/pairs_per_second where there are any

  virtual ~StepRecord() = default;
  /// Every figure under its name in metrics.jsonl (docs/metrics.md), of an evaluation without its prefix `eval_`.
  virtual Metrics metrics() const = 0;
  /// The figures that the progress line shows.
  virtual Metrics headline() const = 0;
  /// Lines for samples.jsonl with "prompt" and "response", where the step itself sampled. Called when lines are due.
  virtual std::vector<nlohmann::ordered_json> samples() const { return {}; }
};

}  // namespace rlhf
