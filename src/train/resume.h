#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rlhf/config/train_options.h"
#include "rlhf/io/checkpoint.h"
#include "rlhf/runs/run_folder.h"
#include "rlhf/runs/run_lock.h"
#include "rlhf/runs/run_logs.h"
#include "rlhf/train/fingerprint.h"
#include "rlhf/train/run_options.h"

namespace rlhf {

/// A checkpoint to resume from, whose state has passed all checks.
struct ResumePoint {
  std::int64_t step = 0;
  SavedCheckpoint checkpoint;

  Fingerprint fingerprint() const { return checkpoint.state.at("fingerprint").get<Fingerprint>(); }
  LogStamps log_stamps() const;  ///< empty in checkpoints of versions that did not write them
};

/// Locks the output folder before anything in it is read; nothing for a dry run, which writes nothing. Throws
/// ConfigError if another run has the folder, or if it contains files and the run does not resume.
std::optional<RunLock> lock_folder(const RunFolder& folder, const RunOptions& options);

/// Checks the output folder before anything is loaded. Throws ConfigError if it contains files and the run does not
/// resume, or if the run resumes but the folder is not a run of this stage; ModelError if the state of the checkpoint
/// is not as save_checkpoint wrote it. Returns the newest valid checkpoint, if the run resumes and there is one. A
/// broken run.json is a warning if there is a checkpoint, else a ConfigError.
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

/// The stamps as a member "files" of the state, and back.
nlohmann::json to_json(const LogStamps& stamps);

}  // namespace rlhf
