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
  std::filesystem::path final_model() const { return path_ / "final"; }
  std::filesystem::path best_model() const { return path_ / "best"; }
  bool finished() const;  ///< final/ exists
  bool empty() const;     ///< the folder does not exist or contains nothing

  /// Creates the folder with config.yaml, run.json and the log file. Throws ConfigError (exit 2) if `resume` is false
  /// and the folder contains anything, and OutputError if it cannot be written; a missing or empty folder is then left
  /// as it was.
  void create(const std::string& config_yaml, const std::string& run_json, bool resume) const;

 private:
  std::filesystem::path path_;
};

}  // namespace rlhf
