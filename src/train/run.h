#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/train_options.h"
#include "rlhf/io/checkpoint.h"
#include "rlhf/runs/metrics.h"
#include "rlhf/runs/run_folder.h"
#include "rlhf/train/fingerprint.h"
#include "rlhf/train/method.h"

namespace rlhf {

/// A checkpoint to resume from.
struct ResumePoint {
  std::int64_t step = 0;
  Checkpoint checkpoint;
};

/// First look at the output folder, before anything is loaded. Throws ConfigError if it holds files and the run is not
/// resumed, or if it is resumed but was not written by this stage. Returns the newest checkpoint that verifies, if the
/// run is resumed and there is one.
std::optional<ResumePoint> find_resume_point(const RunFolder& folder, const std::string& stage,
                                             const RunOptions& options);

/// True if a resumed run already holds the result of `total_steps` steps. Throws ConfigError if it cannot continue with
/// the same bits, naming every reason: an entry of the fingerprint differs (unless differences are accepted), the run
/// is past `total_steps`, or it ended without a checkpoint and is to be lengthened.
bool already_finished(const RunFolder& folder, const std::optional<ResumePoint>& resume, const Fingerprint& now,
                      std::int64_t total_steps, const RunOptions& options);

/// What Run writes at its start.
struct RunStart {
  std::string config_yaml;
  nlohmann::json run_json;
  Fingerprint fingerprint;
  std::vector<std::string> results;  ///< folders of an earlier, shorter run that are removed: final, final-value
};

/// The open run folder: metrics, samples, checkpoints, log.
class Run {
 public:
  /// Creates the folder (or opens it again) and cuts what was written after the resume point.
  Run(RunFolder folder, RunStart start, const std::optional<ResumePoint>& resume, const RunOptions& options,
      const LogOptions& log, const CheckpointOptions& checkpoint);
  ~Run();

  const RunFolder& folder() const { return folder_; }
  void write_metrics(std::int64_t step, const Metrics& metrics);
  /// Lines of samples.jsonl, with "step" in front; the first two also go to the log.
  void write_samples(std::int64_t step, const std::vector<nlohmann::ordered_json>& samples);
  bool checkpoint_due(std::int64_t step) const;
  /// A run that keeps checkpoints keeps one of its last step, so that it can be lengthened.
  bool keeps_checkpoints() const { return checkpoint_options_.every_steps > 0 || last_saved_ >= 0; }
  /// Saves a checkpoint and logs it; the fingerprint goes into the state.
  void save(std::int64_t step, Checkpoint checkpoint);
  /// Everything written so far is on disk.
  void flush();

 private:
  RunFolder folder_;
  Fingerprint fingerprint_;
  CheckpointOptions checkpoint_options_;
  std::vector<std::unique_ptr<MetricSink>> sinks_;
  std::int64_t last_saved_ = -1;
  nlohmann::json last_state_;
};

}  // namespace rlhf
