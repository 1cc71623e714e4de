#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace rlhf {

/// The folder a run writes: config.yaml, run.json, metrics.jsonl, samples.jsonl, log.txt, report.html, tensorboard/,
/// checkpoints/, best/, final/. Nothing is created before the run is known to be able to start.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path samples() const { return path_ / "samples.jsonl"; }
  std::filesystem::path final_model() const { return path_ / "final"; }
  std::filesystem::path best_model() const { return path_ / "best"; }
  bool finished() const;  ///< final/ is there
  bool empty() const;     ///< absent, or nothing in it

  /// Without resume: throws ConfigError (exit 2) if the folder holds anything. Always: throws OutputError if it can't
  /// be written to, and then leaves an absent or empty folder as it was. Creates it with config.yaml, run.json and the
  /// log file.
  void create(const std::string& config_yaml, const std::string& run_json, bool resume) const;

 private:
  std::filesystem::path path_;
};

}  // namespace rlhf
