// The training loop of all methods.
#include "loop.h"

#include <chrono>
#include <cmath>

#include "rlhf/algo/lr_schedule.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/process_memory.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/device.h"

namespace rlhf {

Loop::Loop(Method& method, const RunSettings& settings, const MethodPlan& plan, at::Device device, Run& run,
           const std::optional<ResumePoint>& resume)
    : method_(method),
      settings_(settings),
      plan_(plan),
      device_(device),
      run_(run),
      progress_(settings.stage, resume ? resume->step : 0, plan.total_steps) {
  if (resume) restore(*resume);
}

RunSummary Loop::go() {
  try {
    while (true) {
      if (!observed_) observe();
      if (step_ > 0 && run_.checkpoint_due(step_)) save();
      if (step_ >= plan_.total_steps) break;
      train_step();
    }
  } catch (const Interrupted&) {
    save();
    throw;
  }
  if (run_.keeps_checkpoints()) save();
  save_models("final");
  run_.flush();
  log_info("work: " + summary_.work.summary());
  return summary_;
}

void Loop::restore(const ResumePoint& resume) {
  for (const auto& [name, trainee] : method_.trainees()) {
    restore_tensors(resume.checkpoint.groups.at(name), trainee.optimizer.state(), "checkpoint");
    trainee.weights.write_leaves();
  }
  const auto& state = resume.checkpoint.state;
  method_.restore_numbers(state.at("numbers"));
  step_ = resume.step;
  tokens_ = state.at("num_tokens");
  observed_ = state.at("observed");
  if (state.contains("best") && state.at("best_by") == best_by()) best_ = state.at("best").get<double>();
}

void Loop::save() {
  Checkpoint checkpoint;
  for (const auto& [name, trainee] : method_.trainees()) checkpoint.groups[name] = trainee.optimizer.state();
  checkpoint.state = {{"num_tokens", tokens_}, {"observed", observed_}, {"numbers", method_.numbers()}};
  if (best_) checkpoint.state.update({{"best", *best_}, {"best_by", best_by()}});
  run_.save(step_, std::move(checkpoint));
}

double Loop::lr_factor() const {
  const LrScheduleOptions& schedule = settings_.lr_schedule;
  const std::int64_t warmup = std::llround(schedule.warmup_share * static_cast<double>(plan_.total_steps));
  return rlhf::lr_factor(schedule.kind, step_, plan_.total_steps, warmup, schedule.min_share);
}

void Loop::train_step() {
  stop_if_signalled();
  const auto start = std::chrono::steady_clock::now();
  const auto record = method_.step({step_, lr_factor()});
  ++step_;
  observed_ = false;
  tokens_ += record->tokens;
  summary_.work += record->work;
  ++summary_.steps;
  report(*record, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Loop::report(const StepRecord& record, double seconds) {
  Metrics named = record.metrics();
  const double rate = static_cast<double>(record.tokens) / seconds;
  named.set("num_tokens", static_cast<double>(tokens_));
  named.set("perf/tokens_per_second", rate);
  if (record.pairs > 0) {
    named.set("num_pairs", static_cast<double>(record.pairs));
    named.set("perf/pairs_per_second", static_cast<double>(record.pairs) / seconds);
  }
  named.set("perf/peak_memory_bytes", static_cast<double>(peak_memory_bytes(device_)));
  named.set("time/step_seconds", seconds);
  if (step_ % settings_.log.every_steps == 0 || is_last()) run_.write_metrics(step_, named);
  if (samples_due(1)) run_.write_samples(step_, record.samples());
  progress_.show(step_, record.headline(), rate);
}

/// Evaluation and samples after a step. Nothing is written before all of it is computed, so that after a signal a
/// resumed run writes nothing twice.
void Loop::observe() {
  if (evaluation_due()) return_free_memory();
  const auto evaluation = evaluation_due() ? method_.evaluate() : nullptr;
  const bool show = samples_due(0) || (is_last() && settings_.log.samples_every_steps > 0);
  const auto samples = show ? method_.show() : std::vector<nlohmann::ordered_json>();
  observed_ = true;
  run_.write_samples(step_, samples);
  if (!evaluation) return;
  summary_.work += evaluation->work;
  Metrics named, headline;
  named.add(evaluation->metrics(), "eval_");
  headline.add(evaluation->headline(), "eval_");
  run_.write_metrics(step_, named);
  progress_.show(step_, headline);
  keep_if_best(named);
}

bool Loop::evaluation_due() const {
  const std::int64_t every = settings_.eval.every_steps;
  return method_.evaluates() && (step_ == 0 || is_last() || (every > 0 && step_ % every == 0));
}

/// Whether samples are due: every log.samples_every_steps steps, counted from step `first`.
bool Loop::samples_due(std::int64_t first) const {
  const std::int64_t every = settings_.log.samples_every_steps;
  return every > 0 && step_ >= first && (step_ - first) % every == 0;
}

std::string Loop::best_by() const { return settings_.eval.best_by.empty() ? "eval_loss" : settings_.eval.best_by; }

/// Saves the model if eval.best_by improved. This is the only metric that is looked up by name, because the config has
/// its name.
void Loop::keep_if_best(const Metrics& evaluation) {
  const std::string name = best_by();
  const double* value = evaluation.find(name);
  if (!value) throw ConfigError({"eval.best_by: expected a metric of the evaluation, found " + name});
  const bool better = !best_ || (method_.better(name) == Better::higher ? *value > *best_ : *value < *best_);
  if (!better || !std::isfinite(*value) || step_ == 0) return;  // at step 0 the model is not a result of this run
  best_ = *value;
  save_models("best");
}

/// Writes the main model last: if it exists, the result is complete.
void Loop::save_models(const std::string& name) {
  return_free_memory();  // what saving needs has other sizes than what a step leaves
  const auto models = method_.models();
  for (const bool main : {false, true})
    for (const SavedModel& model : models)
      if (model.suffix.empty() == main) model.save(run_.folder().path() / (name + model.suffix));
}

}  // namespace rlhf
