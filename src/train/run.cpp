// Writes a run folder, and checks whether a run can resume.
#include "run.h"

#include <fstream>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/text/chat_template.h"

#include "best_evaluation.h"

namespace rlhf {

namespace {

nlohmann::json read_run_json(const RunFolder& folder) {
  try {
    return nlohmann::json::parse(read_file(folder.path() / "run.json", ExitCode::usage));
  } catch (const std::exception&) {
    return nlohmann::json::object();  // not a run folder
  }
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

std::optional<ResumePoint> find_resume_point(const RunFolder& folder, const std::string& stage,
                                             const RunOptions& options) {
  if (folder.empty()) return std::nullopt;
  if (!options.resume) {
    if (options.dry_run) return std::nullopt;
    throw ConfigError({"train.output: expected an empty or absent folder, found files in " + folder.path().string() +
                       "; hint: add --resume to continue that run, or choose another folder"});
  }
  const std::string found_stage = read_run_json(folder).value("stage", "");
  if (found_stage != stage)
    throw ConfigError({"--resume: train.output: expected a run of rlhf-" + stage + " in " + folder.path().string() +
                       ", found " + (found_stage.empty() ? "other files" : "one of rlhf-" + found_stage)});
  const auto found = find_checkpoint(folder.checkpoints());
  if (!found) return std::nullopt;
  return ResumePoint{found->step, load_checkpoint(found->folder)};
}

std::int64_t beginning_of(const RunFolder& folder, const std::optional<ResumePoint>& resume,
                          const RunOptions& options) {
  if (!options.resume) return wall_clock();
  for (const nlohmann::json& known : {resume ? resume->checkpoint.state : nlohmann::json(), read_run_json(folder)}) {
    if (known.is_object() && known.contains("began") && known["began"].is_number_integer())
      return known["began"].get<std::int64_t>();
  }
  return wall_clock();
}

bool already_finished(const RunFolder& folder, const std::optional<ResumePoint>& resume, const Fingerprint& now,
                      std::int64_t total_steps, const EvalOptions& eval, const RunOptions& options) {
  if (!options.resume || folder.empty()) return false;
  const nlohmann::json run = read_run_json(folder);
  compare(run.at("fingerprint").get<Fingerprint>(), now, options);
  if (!folder.finished()) {
    if (resume && resume->step > total_steps)
      throw wrong_length("at least " + std::to_string(resume->step), total_steps, "that many are done");
    return false;
  }
  const std::int64_t done = run.at("total_steps");
  if (total_steps == done) return !resume || !goes_on_after_early_stop(resume->checkpoint.state, eval);
  if (total_steps < done) throw wrong_length(std::to_string(done), total_steps, "a finished run cannot be shortened");
  if (!resume)
    throw wrong_length(std::to_string(done), total_steps,
                       "it has no checkpoint to resume from (checkpoint.every_steps)");
  return false;
}

Run::Run(RunFolder folder, RunStart start, const std::optional<ResumePoint>& resume, const RunOptions& options,
         const LogOptions& log, const CheckpointOptions& checkpoint)
    : folder_(std::move(folder)),
      fingerprint_(std::move(start.fingerprint)),
      began_(start.run_json.at("began")),
      checkpoint_options_(checkpoint) {
  folder_.create(start.config_yaml, start.run_json.dump(2) + "\n", options.resume);
  log_to_file(folder_.path() / "log.txt");
  const std::int64_t keep_until = resume ? resume->step : -1;
  for (const std::string& result : start.results) std::filesystem::remove_all(folder_.path() / result);
  if (resume) {
    last_saved_ = resume->step;
    last_state_ = resume->checkpoint.state;
    log_info("resuming at step " + std::to_string(resume->step));
  }
  cut_jsonl_after(folder_.samples(), keep_until);
  sinks_.push_back(open_jsonl_sink(folder_.metrics(), keep_until));
  if (log.tensorboard) sinks_.push_back(open_tensorboard_sink(folder_.path() / "tensorboard", keep_until));
}

Run::~Run() { close_log_file(); }

void Run::write_metrics(std::int64_t step, const Metrics& metrics) {
  for (const auto& sink : sinks_) sink->write(step, metrics);
}

void Run::write_samples(std::int64_t step, const std::vector<nlohmann::ordered_json>& samples) {
  constexpr std::size_t kLogged = 2;
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;  // a response may end inside a character
  std::ofstream out(folder_.samples(), std::ios::app);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    nlohmann::ordered_json line{{"step", step}};
    line.update(samples[i]);
    out << line.dump(-1, ' ', false, kReplace) << '\n';
    if (i >= kLogged) continue;
    const std::string score = line.contains("score") ? " (score " + line["score"].dump() + ")" : "";
    log_info("sample at step " + std::to_string(step) + ": " + line["prompt"].dump(-1, ' ', false, kReplace) + " → " +
             line["response"].dump(-1, ' ', false, kReplace) + score);
  }
  if (!out.flush()) throw OutputError("writing samples: cannot write " + folder_.samples().string());
}

bool Run::checkpoint_due(std::int64_t step) const {
  return checkpoint_options_.every_steps > 0 && step % checkpoint_options_.every_steps == 0;
}

void Run::save(std::int64_t step, Checkpoint checkpoint) {
  checkpoint.state["fingerprint"] = fingerprint_;
  checkpoint.state["began"] = began_;
  if (step == last_saved_ && checkpoint.state == last_state_) return;
  flush();  // a resumed run removes what was written after the checkpoint, so everything before it must be on disk
  save_checkpoint(folder_.checkpoints(), step, checkpoint, checkpoint_options_.keep_last);
  last_saved_ = step;
  last_state_ = std::move(checkpoint.state);
  log_info("step " + std::to_string(step) + ": checkpoint saved");
}

void Run::flush() {
  for (const auto& sink : sinks_) sink->flush();
}

}  // namespace rlhf
