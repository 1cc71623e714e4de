#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// Named figures of one step in the order they were set. A figure that was not measured is absent, never 0.
class Metrics {
 public:
  Metrics() = default;
  Metrics(std::initializer_list<std::pair<std::string, double>> items) : items_(items) {}
  void set(std::string name, double value);
  /// Sets all of `others`, each name with `prefix` before it.
  void add(const Metrics& others, const std::string& prefix = "");
  const double* find(const std::string& name) const;
  const std::vector<std::pair<std::string, double>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, double>> items_;
};

/// Where metrics go. Implement it to send them elsewhere. Both functions throw OutputError when they cannot write.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void write(std::int64_t step,
                     const Metrics& metrics) = 0;  ///< at once: a program that follows the file sees it
  virtual void flush() = 0;                        ///< to the disk; call it before a checkpoint
};

/// One JSON object a line: {"step": 3, "loss": 1.25, …}; doubles print so that they read back equal,
/// and a figure that is not finite is null, since JSON has no name for it. Opening for resume drops lines with a step
/// above `keep_until` (the checkpoint's step).
std::unique_ptr<MetricSink> open_jsonl_sink(const std::filesystem::path& file, std::int64_t keep_until);
/// One TensorBoard event file in `folder`, gone on with on resume, after events above `keep_until` are cut. Figures are
/// float32 there, not-a-number included.
std::unique_ptr<MetricSink> open_tensorboard_sink(const std::filesystem::path& folder, std::int64_t keep_until);

/// Cuts a JSONL file before its first line whose "step" is above `keep_until` or which was not written whole (steps
/// never go back in a file of ours), in one system call. A missing file is fine.
void cut_jsonl_after(const std::filesystem::path& file, std::int64_t keep_until);

}  // namespace rlhf
