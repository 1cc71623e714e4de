// Checks whether and from where a run can resume.
#include "resume.h"

#include <limits>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/text/chat_template.h"

#include "best_evaluation.h"

namespace rlhf {

namespace {

constexpr std::int64_t kMostSteps = std::numeric_limits<std::int64_t>::max() / 4;

/// What a resume reads of run.json.
struct RunFile {
  bool there = true;
  std::string fault;  ///< why it cannot be used; empty if it can
  std::string stage;
  std::int64_t total_steps = 0;
  std::optional<std::int64_t> began;
  Fingerprint fingerprint;
};

Fingerprint read_fingerprint(const JsonReader& reader) {
  Fingerprint fingerprint;
  reader.for_each_entry([&](const std::string& key, const JsonReader& value) { fingerprint[key] = value.string(); });
  return fingerprint;
}

RunFile read_run_file(const RunFolder& folder) {
  RunFile run;
  std::error_code ignored;
  run.there = std::filesystem::exists(folder.run_json(), ignored);
  if (!run.there) return run;
  try {
    const std::string where = folder.run_json().string();
    const auto json =
        parse_json_object(read_file(where, ExitCode::model, kMaxRunFileBytes), where, throw_as<ModelError>);
    const JsonReader reader(json, where, throw_as<ModelError>);
    run.stage = reader.at("stage").string();
    run.total_steps = reader.at("total_steps").integer(0, kMostSteps);
    run.fingerprint = read_fingerprint(reader.at("fingerprint"));
    if (const auto began = reader.find("began")) run.began = began->integer(0, kMostSteps);
  } catch (const Error& error) {
    run.fault = error.what();
  }
  return run;
}

void refuse_files(const RunFolder& folder) {
  if (folder.empty()) return;
  throw ConfigError({"train.output: expected an empty or absent folder, found files in " + folder.path().string() +
                     "; hint: add --resume to continue that run, or choose another folder"});
}

/// Throws ModelError unless the state of a checkpoint has every member that a resume reads.
void check_state(const nlohmann::json& state, const std::filesystem::path& folder) {
  const nlohmann::ordered_json copy = state;
  const JsonReader reader(copy, (folder / "state.json").string(), throw_as<ModelError>);
  read_fingerprint(reader.at("fingerprint"));
  reader.at("num_tokens").integer(0, kMostSteps);
  reader.at("observed").boolean();
  reader.at("numbers").object();
  if (reader.has("began")) reader.at("began").integer(0, kMostSteps);
  for (const char* number : {"best", "last_improvement"})
    if (reader.has(number)) reader.at(number).number();
  for (const char* count : {"best_step", "evaluations_without_improvement"})
    if (reader.has(count)) reader.at(count).integer(0, kMostSteps);
  if (reader.has("best_by")) reader.at("best_by").string();
  if (reader.has("ended_early")) reader.at("ended_early").boolean();
  if (!reader.has("files")) return;
  reader.at("files").for_each_entry([](const std::string&, const JsonReader& stamp) {
    stamp.at("bytes").integer(0, kMostSteps);
    stamp.at("crc32").integer(0, std::numeric_limits<std::uint32_t>::max());
  });
}

void compare(const Fingerprint& then, const Fingerprint& now, const RunOptions& options) {
  std::vector<std::string> issues;
  const auto check = [&](const std::string& name, const std::string& expected, const std::string& found) {
    if (expected != found)
      issues.push_back("--resume: " + name + ": expected " + expected + " as in the run, found " + found);
  };
  for (const auto& [name, value] : then) check(name, value, now.contains(name) ? now.at(name) : "nothing");
  for (const auto& [name, value] : now)
    if (!then.contains(name)) check(name, "nothing", value);
  if (issues.empty()) return;
  if (!options.accept_differences) {
    issues.front() += "; hint: --accept-differences resumes anyway, but the result can differ";
    throw ConfigError(issues);
  }
  for (const std::string& issue : issues) log_warning(issue);
}

ConfigError wrong_length(const std::string& expected, std::int64_t total_steps, const std::string& hint) {
  return ConfigError({"--resume: expected a run of " + expected + " steps, found one of " +
                      std::to_string(total_steps) + "; hint: " + hint});
}

}  // namespace

LogStamps ResumePoint::log_stamps() const {
  LogStamps stamps;
  if (!checkpoint.state.contains("files")) return stamps;
  for (const auto& [name, stamp] : checkpoint.state.at("files").items())
    stamps[name] = {stamp.at("bytes").get<std::uint64_t>(), stamp.at("crc32").get<std::uint32_t>()};
  return stamps;
}

nlohmann::json to_json(const LogStamps& stamps) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, stamp] : stamps) json[name] = {{"bytes", stamp.bytes}, {"crc32", stamp.crc32}};
  return json;
}

std::optional<RunLock> lock_folder(const RunFolder& folder, const RunOptions& options) {
  if (options.dry_run) return std::nullopt;
  std::error_code ignored;
  // Nothing is written to a folder of other files, not even a lock.
  if (!options.resume && !std::filesystem::exists(folder.lock(), ignored)) refuse_files(folder);
  return std::optional<RunLock>(std::in_place, folder);
}

std::optional<ResumePoint> find_resume_point(const RunFolder& folder, const std::string& stage,
                                             const RunOptions& options) {
  if (!options.resume) {
    if (!options.dry_run) refuse_files(folder);
    return std::nullopt;
  }
  if (folder.empty()) return std::nullopt;
  const RunFile run = read_run_file(folder);
  if (!run.there || (run.fault.empty() && run.stage != stage))
    throw ConfigError({"--resume: train.output: expected a run of rlhf-" + stage + " in " + folder.path().string() +
                       ", found " + (run.there ? "one of rlhf-" + run.stage : "other files")});
  const auto found = find_checkpoint(folder.checkpoints());
  if (!run.fault.empty()) {
    if (!found)
      throw ConfigError({"--resume: " + run.fault + "; hint: there is no checkpoint to resume from: move the folder " +
                         "away and start again"});
    log_warning(run.fault + "; using what the checkpoint of step " + std::to_string(found->step) +
                " says about the run");
  }
  if (!found) return std::nullopt;
  ResumePoint point{found->step, load_checkpoint(found->folder)};
  check_state(point.checkpoint.state, found->folder);
  return point;
}

std::int64_t beginning_of(const RunFolder& folder, const std::optional<ResumePoint>& resume,
                          const RunOptions& options) {
  if (!options.resume) return wall_clock();
  if (resume && resume->checkpoint.state.contains("began"))
    return resume->checkpoint.state.at("began").get<std::int64_t>();
  return read_run_file(folder).began.value_or(wall_clock());
}

bool already_finished(const RunFolder& folder, const std::optional<ResumePoint>& resume, const Fingerprint& now,
                      std::int64_t total_steps, const EvalOptions& eval, const RunOptions& options) {
  if (!options.resume || folder.empty()) return false;
  RunFile run = read_run_file(folder);
  if (!run.fault.empty() && resume) {
    run.fingerprint = resume->fingerprint();
    run.total_steps = resume->step;  // a run that finishes saves its last step
  }
  compare(run.fingerprint, now, options);
  if (!folder.finished()) {
    if (resume && resume->step > total_steps)
      throw wrong_length("at least " + std::to_string(resume->step), total_steps, "that many are done");
    return false;
  }
  const std::int64_t done = run.total_steps;
  if (total_steps == done) return !resume || !goes_on_after_early_stop(resume->checkpoint.state, eval);
  if (total_steps < done) throw wrong_length(std::to_string(done), total_steps, "a finished run cannot be shortened");
  if (!resume)
    throw wrong_length(std::to_string(done), total_steps,
                       "it has no checkpoint to resume from (checkpoint.every_steps)");
  return false;
}

}  // namespace rlhf
