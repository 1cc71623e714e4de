// Reads the files of a run folder.
#include "report/run_data.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"
#include "rlhf/runs/run_folder.h"

#include "report/scale.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// The content of a small file of the run; empty, with a warning, if it is there but cannot be read.
std::string bytes_of(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return "";
  try {
    return read_file(path, ExitCode::data, kMaxRunFileBytes);
  } catch (const Error& error) {
    log_warning(std::string("left out of the page: ") + error.what());
    return "";
  }
}

std::string string_at(const Json& object, const char* key) {
  const auto field = object.is_object() ? object.find(key) : object.end();
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

// Joins a list of texts to lines.
std::string lines_at(const Json& object, const char* key) {
  const auto field = object.find(key);
  if (field == object.end() || !field->is_array()) return string_at(object, key);
  std::string lines;
  for (const Json& line : *field)
    if (line.is_string()) lines += (lines.empty() ? "" : "\n") + line.get<std::string>();
  return lines;
}

std::vector<std::pair<std::string, std::string>> plan_of(const Json& run) {
  std::vector<std::pair<std::string, std::string>> terms;
  const auto plan = run.is_object() ? run.find("plan") : run.end();
  if (plan == run.end() || !plan->is_object()) return terms;
  for (const auto& [key, term] : {std::pair{"summary", "Plan"}, std::pair{"data", "Data"},
                                  std::pair{"compute", "Compute"}, std::pair{"memory", "Memory forecast"}}) {
    const std::string text = lines_at(*plan, key);
    if (!text.empty()) terms.emplace_back(term, text);
  }
  if (!plan->contains("compute") && !string_at(run, "compute").empty())
    terms.emplace_back("Compute", string_at(run, "compute"));
  return terms;
}

void read_run_json(const fs::path& file, RunData& data) {
  const std::string text = bytes_of(file);
  const Json run = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!text.empty() && !run.is_object())
    log_warning("left out of the page: " + file.string() + ": expected a JSON object, found something else");
  data.stage = string_at(run, "stage");
  data.version = string_at(run, "version");
  data.plan = plan_of(run);
  const bool has_length = run.is_object() && run.contains("total_steps") && run["total_steps"].is_number_integer();
  if (has_length) data.total_steps = run["total_steps"].get<std::int64_t>();
}

std::string folder_name(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::uintmax_t size_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  std::uintmax_t sum = 0;
  for (auto entry = fs::recursive_directory_iterator(path, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->is_regular_file(error)) sum += size_of(entry->path());
  return sum;
}

std::string with_size(const fs::path& path, const fs::path& folder) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const double size = static_cast<double>(size_of(path));
  return path.lexically_relative(folder).string() + "  " + show_number(size / kMiB) + " MiB";
}

std::vector<fs::path> children(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (!entry.path().filename().string().starts_with(".")) paths.push_back(entry.path());  // half-written ones
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The step of the newest checkpoint, checkpoints/step-000123; 0 if there is none.
std::int64_t newest_checkpoint(const fs::path& folder) {
  constexpr std::string_view kPrefix = "step-";
  std::int64_t newest = 0;
  for (const fs::path& path : children(folder / "checkpoints")) {
    const std::string name = path.filename().string();
    std::int64_t step = 0;
    if (!name.starts_with(kPrefix)) continue;
    if (std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step).ec == std::errc())
      newest = std::max(newest, step);
  }
  return newest;
}

}  // namespace

void check_is_run(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_regular_file(folder / "run.json", ignored) || fs::is_regular_file(folder / "metrics.jsonl", ignored))
    return;
  const std::string found = fs::is_directory(folder, ignored) ? "a folder without them"
                            : fs::exists(folder, ignored)     ? "a file"
                                                              : "nothing";
  throw DataError(folder.string() + ": expected a run folder (run.json or metrics.jsonl), found " + found +
                  "; hint: the folder of a run is its train.output");
}

std::vector<std::string> list_results(const fs::path& folder) {
  std::vector<std::string> results;
  std::error_code ignored;
  for (const fs::path& path : children(folder / "checkpoints")) results.push_back(with_size(path, folder));
  for (const fs::path& path : children(folder))
    if (fs::is_directory(path, ignored) && path.filename() != "checkpoints" && path.filename() != "tensorboard")
      results.push_back(with_size(path, folder));
  return results;
}

RunData read_run(const fs::path& folder) {
  const RunFolder run(folder);
  RunData data{.folder = folder, .name = folder_name(folder)};
  read_run_json(folder / "run.json", data);
  data.finished = run.finished();
  data.config = bytes_of(folder / "config.yaml");
  data.metrics = read_metrics(run.metrics());
  data.samples = read_samples(run.samples());
  data.log = read_log(folder / "log.txt");
  if (data.plan.empty()) data.plan = data.log.plan;
  data.files = list_results(folder);
  data.last_step = newest_checkpoint(folder);
  for (const Curve& metric : data.metrics)
    data.last_step = std::max(data.last_step, static_cast<std::int64_t>(metric.points.back().first));
  return data;
}

const Curve* find_metric(const RunData& run, const std::string& name) {
  const auto same =
      std::find_if(run.metrics.begin(), run.metrics.end(), [&](const Curve& c) { return c.name == name; });
  return same == run.metrics.end() ? nullptr : &*same;
}

}  // namespace rlhf
