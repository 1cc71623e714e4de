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
  /// Syncs to disk; call it before a checkpoint is written. Throws OutputError also if the file was removed or
  /// replaced.
  virtual void flush() = 0;
};

/// Writes one JSON object per line: {"step": 3, "loss": 1.25, …}. Doubles are written with enough digits to read back
/// the same value; a value that is not finite is null. Appends to a file that exists.
std::unique_ptr<MetricSink> open_jsonl_sink(const std::filesystem::path& file);
/// Writes one TensorBoard event file in `folder`, or appends to the last one. Values are float32, NaN included.
std::unique_ptr<MetricSink> open_tensorboard_sink(const std::filesystem::path& folder);

/// Keeps the complete lines of a JSONL file that are objects with a "step" of at most `keep_until`, and logs a warning
/// with the number of lines that are no such objects and the first of them. A last line without its newline is of a run
/// that was killed while it wrote, and no reason for a warning. Does nothing if the file does not exist. Throws
/// OutputError.
void cut_jsonl_after(const std::filesystem::path& file, std::int64_t keep_until);
/// The TensorBoard event files in `folder`, in the order in which TensorBoard reads them; none if there is no folder.
std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder);

}  // namespace rlhf
