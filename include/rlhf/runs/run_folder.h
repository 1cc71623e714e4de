#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace rlhf {

/// The run folder: config.yaml, run.json, metrics.jsonl, samples.jsonl, log.txt, report.html, tensorboard/,
/// checkpoints/, best/, final/. Nothing is created before all checks of the run have passed.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path samples() const { return path_ / "samples.jsonl"; }
  std::filesystem::path tensorboard() const { return path_ / "tensorboard"; }
  std::filesystem::path final_model() const { return path_ / "final"; }
  std::filesystem::path best_model() const { return path_ / "best"; }
  std::filesystem::path run_json() const { return path_ / "run.json"; }
  std::filesystem::path lock() const { return path_ / ".lock"; }  ///< see RunLock
  bool finished() const;                                          ///< final/ exists
  /// The folder does not exist, or contains at most what a start that was killed can leave: a lock file, a part of
  /// run.json. Throws OutputError if it cannot be read.
  bool empty() const;

  /// Creates the folder with config.yaml, run.json and the log file. Throws ConfigError (exit 2) if `resume` is false
  /// and the folder contains anything, and OutputError if it cannot be written; what a start without `resume` created
  /// is then removed. The caller holds a RunLock if other processes can use the folder.
  void create(const std::string& config_yaml, const std::string& run_json, bool resume) const;

 private:
  std::filesystem::path path_;
};

}  // namespace rlhf
