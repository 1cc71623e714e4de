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
  SavedCheckpoint checkpoint;
};

/// Checks the output folder before anything is loaded. Throws ConfigError if it contains files and the run does not
/// resume, or if the run resumes but the folder is not a run of this stage. Returns the newest valid checkpoint, if the
/// run resumes and there is one.
std::optional<ResumePoint> find_resume_point(const RunFolder& folder, const std::string& stage,
                                             const RunOptions& options);

/// When the run began, as wall_clock() of that moment: chat templates see this time in the whole run, also after a
/// resume. If the run resumes, it is the time in the checkpoint or in run.json, otherwise the clock.
std::int64_t beginning_of(const RunFolder& folder, const std::optional<ResumePoint>& resume, const RunOptions& options);

/// Whether the run already has the result of `total_steps` steps, or ended early and would again with `eval`. Throws
/// ConfigError, with all reasons, if it cannot resume: an entry of the fingerprint differs (unless differences are
/// accepted), the run has more than `total_steps` steps, or it must be lengthened but has no checkpoint.
bool already_finished(const RunFolder& folder, const std::optional<ResumePoint>& resume, const Fingerprint& now,
                      std::int64_t total_steps, const EvalOptions& eval, const RunOptions& options);

/// What a Run writes at its start.
struct RunStart {
  std::string config_yaml;
  nlohmann::json run_json;
  Fingerprint fingerprint;
  std::vector<std::string> results;  ///< result folders of an earlier, shorter run, to be removed: final, final-value
};

/// The open run folder: metrics, samples, checkpoints, log.
class Run {
 public:
  /// Creates the folder, or opens it and removes what was written after the checkpoint of the resume.
  Run(RunFolder folder, RunStart start, const std::optional<ResumePoint>& resume, const RunOptions& options,
      const LogOptions& log, const CheckpointOptions& checkpoint);
  ~Run();

  const RunFolder& folder() const { return folder_; }
  void write_metrics(std::int64_t step, const Metrics& metrics);
  /// Writes lines to samples.jsonl, with "step" first; the first two are also logged.
  void write_samples(std::int64_t step, const std::vector<nlohmann::ordered_json>& samples);
  bool checkpoint_due(std::int64_t step) const;
  /// Whether the run saves checkpoints. Such a run also saves one of its last step, so that it can be lengthened.
  bool keeps_checkpoints() const { return checkpoint_options_.every_steps > 0 || last_saved_ >= 0; }
  /// Saves a checkpoint, with the fingerprint in its state, and logs it.
  void save(std::int64_t step, Checkpoint checkpoint);
  /// Syncs everything written so far to disk.
  void flush();

 private:
  RunFolder folder_;
  Fingerprint fingerprint_;
  nlohmann::json began_;
  CheckpointOptions checkpoint_options_;
  std::vector<std::unique_ptr<MetricSink>> sinks_;
  std::int64_t last_saved_ = -1;
  nlohmann::json last_state_;
};

}  // namespace rlhf
