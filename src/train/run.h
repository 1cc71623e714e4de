#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/train_options.h"
#include "rlhf/runs/metrics.h"
#include "rlhf/train/method.h"

#include "resume.h"

namespace rlhf {

/// What a Run writes at its start.
struct RunStart {
  std::string config_yaml;
  nlohmann::json run_json;
  Fingerprint fingerprint;
  std::vector<std::string> results;  ///< result folders of an earlier, shorter run, to be removed: final, final-value
};

/// The open run folder: metrics, samples, checkpoints, log. Its functions throw OutputError, also if the folder was
/// removed or replaced.
class Run {
 public:
  /// Creates the files of a new run, or removes what was written after the checkpoint of the resume. `lock` is the lock
  /// of this folder and outlives the run.
  Run(RunFolder folder, const RunLock& lock, RunStart start, const std::optional<ResumePoint>& resume,
      const RunOptions& options, const LogOptions& log, const CheckpointOptions& checkpoint);
  ~Run();

  const RunFolder& folder() const { return folder_; }
  void write_metrics(std::int64_t step, const Metrics& metrics);
  /// Writes lines to samples.jsonl, with "step" first; the first two are also logged.
  void write_samples(std::int64_t step, const std::vector<nlohmann::ordered_json>& samples);
  /// Saves a checkpoint, with the fingerprint and the stamps of metrics and samples in its state, and logs it; nothing
  /// if the last one is of the same step and state. `others`: see save_checkpoint().
  void save(std::int64_t step, Checkpoint checkpoint, const OtherWriters& others = {});
  /// Writes a model to the folder `name` of the run.
  void save_model(const SavedModel& model, const std::string& name);
  /// Writes the further results of a method.
  void write_results(Method& method);
  /// Syncs everything to disk and checks that all that this run wrote is still there.
  void finish();
  /// A sentence for an error that ends the run: which checkpoint remains.
  std::string what_remains() const;

 private:
  void flush();

  RunFolder folder_;
  const RunLock& lock_;
  Fingerprint fingerprint_;
  nlohmann::json began_;
  CheckpointOptions checkpoint_options_;
  std::vector<std::unique_ptr<MetricSink>> sinks_;
  LogStamps stamps_;
  std::set<std::filesystem::path> written_;  ///< files and folders that must be there at the end
  std::int64_t last_saved_ = -1;
  nlohmann::json last_state_;
};

}  // namespace rlhf
