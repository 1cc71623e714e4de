// Metrics as a JSONL file.
#include "rlhf/runs/metrics.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"

#include "runs/append_file.h"
#include "runs/counted.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class JsonlSink : public MetricSink {
 public:
  explicit JsonlSink(const fs::path& file) : file_(file) {}
  void write(std::int64_t step, const Metrics& metrics) override {
    nlohmann::ordered_json line = {{"step", step}};
    for (const auto& [name, value] : metrics.items()) line[name] = value;
    file_.append(line.dump() + "\n");
  }
  void flush() override { file_.sync(); }

 private:
  AppendFile file_;
};

/// The step of a line; nullopt if it is no object with a whole number as "step".
std::optional<std::int64_t> step_of(const std::string& text) {
  const auto line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return std::nullopt;
  const auto step = line.find("step");
  if (step == line.end() || !step->is_number_integer()) return std::nullopt;
  return step->get<std::int64_t>();
}

/// What is kept of a file: all of its beginning, or single lines.
struct KeptLines {
  std::string text;            ///< the lines that are kept, one after the other
  bool is_beginning = true;    ///< `text` is the beginning of the file
  std::int64_t num_bad = 0;    ///< lines that are no objects with a step
  std::int64_t first_bad = 0;  ///< the number of the first of them
};

KeptLines kept_lines(const fs::path& file, std::int64_t keep_until) {
  FileLines lines(file, ExitCode::output, kMaxRunLogBytes);
  KeptLines kept;
  std::uintmax_t start = 0;  // of the line
  for (std::string line; lines.next(line); start = lines.offset()) {
    if (!lines.has_newline()) break;
    const auto step = step_of(line);
    if (!step && kept.num_bad++ == 0) kept.first_bad = lines.number();
    if (!step || *step > keep_until) continue;
    kept.is_beginning = kept.is_beginning && start == kept.text.size();
    kept.text += line + '\n';
  }
  return kept;
}

}  // namespace

void Metrics::set(std::string name, double value) {
  const auto same = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
  if (same != items_.end())
    same->second = value;
  else
    items_.emplace_back(std::move(name), value);
}

void Metrics::add(const Metrics& others, const std::string& prefix) {
  for (const auto& [name, value] : others.items()) set(prefix + name, value);
}

const double* Metrics::find(const std::string& name) const {
  const auto same = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
  return same == items_.end() ? nullptr : &same->second;
}

std::unique_ptr<MetricSink> open_jsonl_sink(const fs::path& file) { return std::make_unique<JsonlSink>(file); }

void cut_jsonl_after(const fs::path& file, std::int64_t keep_until) {
  std::error_code error;
  if (!fs::exists(file, error)) return;
  const KeptLines kept = kept_lines(file, keep_until);
  if (kept.num_bad > 0)
    log_warning(file.string() + ":" + std::to_string(kept.first_bad) +
                ": expected an object with a \"step\", found something else; removing " +
                counted(kept.num_bad, "such line"));
  if (!kept.is_beginning) return write_file_atomically(file, kept.text);
  fs::resize_file(file, kept.text.size(), error);
  if (error) throw OutputError("writing " + file.string() + ": " + error.message());
}

}  // namespace rlhf
