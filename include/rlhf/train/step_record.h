#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/runs/metrics.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// The record of one step or evaluation. A method derives its own record with typed members. Metrics get names only in
/// metrics() and headline(), for files and the progress line; nothing is read back by name.
struct StepRecord {
  WorkCounters work;        ///< the work that was done
  std::int64_t tokens = 0;  ///< tokens of the step's data, for num_tokens and perf/tokens_per_second
  std::int64_t pairs = 0;   ///< compared pairs, for num_pairs and perf/pairs_per_second; 0: no such metrics

  virtual ~StepRecord() = default;
  /// All metrics by their names in metrics.jsonl (docs/metrics.md), for an evaluation without the prefix `eval_`.
  virtual Metrics metrics() const = 0;
  /// The metrics for the progress line.
  virtual Metrics headline() const = 0;
  /// Lines for samples.jsonl with "prompt" and "response", if the step sampled. Called when samples are logged.
  virtual std::vector<nlohmann::ordered_json> samples() const { return {}; }
};

}  // namespace rlhf
