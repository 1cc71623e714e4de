#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// Named metrics of one step, in the order in which they were set. A metric that was not measured is absent, never 0.
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

/// A destination for metrics. Implement it to send metrics elsewhere. Both functions throw OutputError if they fail.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void write(std::int64_t step,
                     const Metrics& metrics) = 0;  ///< unbuffered, so that a program that follows the file sees it
  virtual void flush() = 0;                        ///< syncs to disk; call it before a checkpoint is written
};

/// Writes one JSON object per line: {"step": 3, "loss": 1.25, …}. Doubles are written with enough digits to read back
/// the same value; a value that is not finite is null. Opening the file for a resume removes lines with a step above
/// `keep_until` (the checkpoint's step).
std::unique_ptr<MetricSink> open_jsonl_sink(const std::filesystem::path& file, std::int64_t keep_until);
/// Writes one TensorBoard event file in `folder`. On resume it removes events above `keep_until` and appends to the
/// same file. Values are float32, NaN included.
std::unique_ptr<MetricSink> open_tensorboard_sink(const std::filesystem::path& folder, std::int64_t keep_until);

/// Truncates a JSONL file, in one system call, before its first line that is incomplete or has a "step" above
/// `keep_until`. Steps must not decrease in the file. Does nothing if the file does not exist.
void cut_jsonl_after(const std::filesystem::path& file, std::int64_t keep_until);

}  // namespace rlhf
