// Writes a run folder.
#include "run.h"

#include <cstdio>
#include <fstream>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/text/chat_template.h"

namespace rlhf {

Run::Run(RunFolder folder, const RunLock& lock, RunStart start, const std::optional<ResumePoint>& resume,
         const RunOptions& options, const LogOptions& log, const CheckpointOptions& checkpoint)
    : folder_(std::move(folder)),
      lock_(lock),
      fingerprint_(std::move(start.fingerprint)),
      began_(start.run_json.at("began")),
      checkpoint_options_(checkpoint) {
  folder_.create(start.config_yaml, start.run_json.dump(2) + "\n", options.resume);
  for (const std::string& result : start.results) std::filesystem::remove_all(folder_.path() / result);
  if (resume) {
    last_saved_ = resume->step;
    last_state_ = resume->checkpoint.state;
    last_state_.erase("files");
    written_.insert(checkpoint_folder(folder_.checkpoints(), last_saved_));
    log_info("resuming at step " + std::to_string(resume->step));
  }
  remove_partial_checkpoints(folder_.checkpoints());
  restore_logs(folder_, resume ? resume->log_stamps() : LogStamps(), last_saved_);
  sinks_.push_back(open_jsonl_sink(folder_.metrics()));
  if (log.tensorboard) sinks_.push_back(open_tensorboard_sink(folder_.tensorboard()));
  written_.insert({folder_.run_json(), folder_.path() / "config.yaml", folder_.path() / "log.txt"});
}

Run::~Run() { close_log_file(); }

void Run::write_metrics(std::int64_t step, const Metrics& metrics) {
  for (const auto& sink : sinks_) sink->write(step, metrics);
}

void Run::write_samples(std::int64_t step, const std::vector<nlohmann::ordered_json>& samples) {
  constexpr std::size_t kLogged = 2;
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;  // a response may end inside a character
  if (samples.empty()) return;
  std::ofstream out(folder_.samples(), std::ios::app);
  written_.insert(folder_.samples());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    nlohmann::ordered_json line{{"step", step}};
    line.update(samples[i]);
    out << line.dump(-1, ' ', false, kReplace) << '\n';
    if (i >= kLogged) continue;
    char score[48] = "";
    if (line.contains("score") && line["score"].is_number())
      std::snprintf(score, sizeof score, " (score %.4g)", line["score"].get<double>());
    log_info("sample at step " + std::to_string(step) + ": " + line["prompt"].dump(-1, ' ', false, kReplace) + " → " +
             line["response"].dump(-1, ' ', false, kReplace) + score);
  }
  if (!out.flush()) throw OutputError("writing samples: cannot write " + folder_.samples().string());
}

void Run::save(std::int64_t step, Checkpoint checkpoint, const OtherWriters& others) {
  checkpoint.state["fingerprint"] = fingerprint_;
  checkpoint.state["began"] = began_;
  if (step == last_saved_ && checkpoint.state == last_state_) return;
  flush();  // a resumed run removes what was written after the checkpoint, so everything before it must be on disk
  last_state_ = checkpoint.state;
  stamps_ = stamp_logs(folder_, stamps_);
  checkpoint.state["files"] = to_json(stamps_);
  save_checkpoint(folder_.checkpoints(), step, checkpoint, checkpoint_options_.keep_last, others);
  written_.erase(checkpoint_folder(folder_.checkpoints(), last_saved_));
  written_.insert(checkpoint_folder(folder_.checkpoints(), step));
  last_saved_ = step;
  log_info("step " + std::to_string(step) + ": checkpoint saved");
}

void Run::save_model(const SavedModel& model, const std::string& name) {
  lock_.check_folder();
  const std::filesystem::path path = folder_.path() / (name + model.suffix);
  model.save(model.weights(), path);
  written_.insert(path);
}

void Run::write_results(Method& method) {
  lock_.check_folder();
  for (const std::filesystem::path& path : method.write_results(folder_.path())) written_.insert(path);
}

void Run::flush() {
  lock_.check_folder();
  for (const auto& sink : sinks_) sink->flush();
}

void Run::finish() {
  flush();
  remove_partial_checkpoints(folder_.checkpoints());
  for (const std::filesystem::path& path : written_)
    if (!std::filesystem::exists(path))
      throw OutputError("writing " + path.string() + ": expected what this run wrote, found that it was removed");
}

std::string Run::what_remains() const {
  if (last_saved_ < 0) return "the run has saved no checkpoint";
  return "the checkpoint of step " + std::to_string(last_saved_) + " remains, and --resume continues from it";
}

}  // namespace rlhf
