// Metrics as a JSONL file.
#include "rlhf/runs/metrics.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

#include "runs/append_file.h"

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

// Whether a line is complete and its step is at most `keep_until`.
bool is_kept(const std::string& text, std::int64_t keep_until) {
  const auto line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return false;
  const auto step = line.find("step");
  return step != line.end() && step->is_number_integer() && step->get<std::int64_t>() <= keep_until;
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

std::unique_ptr<MetricSink> open_jsonl_sink(const fs::path& file, std::int64_t keep_until) {
  cut_jsonl_after(file, keep_until);
  return std::make_unique<JsonlSink>(file);
}

void cut_jsonl_after(const fs::path& file, std::int64_t keep_until) {
  std::error_code error;
  if (!fs::exists(file, error)) return;
  std::ifstream lines(file, std::ios::binary);
  std::uintmax_t keep_bytes = 0;
  for (std::string line; std::getline(lines, line) && !lines.eof() && is_kept(line, keep_until);)
    keep_bytes += line.size() + 1;
  if (lines.bad() || !lines.is_open())
    throw OutputError("reading " + file.string() + " to resume: cannot read the file");
  lines.close();
  fs::resize_file(file, keep_bytes, error);
  if (error) throw OutputError("writing " + file.string() + ": " + error.message());
}

}  // namespace rlhf
