// The training loop of all methods.
#include "loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include <ATen/ops/tensor.h>

#include "rlhf/algo/lr_schedule.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/process_memory.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/device.h"

#include "agree.h"
#include "memory_error.h"

namespace rlhf {

namespace {

/// The name of Method::tensors() in checkpoints.
constexpr const char* kMethodGroup = "method";
/// Exchanges, for messages.
constexpr const char *kFolder = "the folder of a checkpoint", *kParts = "the parts of a checkpoint";

BestEvaluation nothing_evaluated(const Method& method, const EvalOptions& options) {
  const std::string metric = options.best_by.empty() ? method.main_metric() : options.best_by;
  return BestEvaluation(metric, method.better(metric), options);
}

}  // namespace

Loop::Loop(Method& method, const RunSettings& settings, const MethodPlan& plan, const Setup& setup, Run* run,
           const std::optional<ResumePoint>& resume)
    : method_(method),
      settings_(settings),
      plan_(plan),
      ranks_(*setup.ranks),
      device_(setup.compute.device),
      resumed_(resume.has_value()),
      run_(run),
      progress_(settings.stage, resume ? resume->step : 0, plan.total_steps, ranks_.is_first()),
      best_(nothing_evaluated(method, settings.eval)) {
  if (resume) restore(*resume);
}

RunSummary Loop::go() {
  try {
    method_.start(step_);
    train();
    save_result();
  } catch (const Interrupted&) {
    save();
    throw;
  } catch (const NumericsError& error) {
    throw NumericsError(error.what() + ("; " + what_remains()));
  } catch (const std::exception& error) {
    throw_if_out_of_memory(error, "after step " + std::to_string(step_), plan_.memory, device_, what_remains());
    throw;
  }
  stop_if_any_signalled();  // the result is complete, but the caller asked for the end of the program
  return summary_;
}

void Loop::train() {
  while (true) {
    if (!observed_) observe();
    if (step_ > 0 && checkpoint_due()) save();
    if (ends()) break;
    train_step();
  }
  if (!is_last())
    progress_.say("ended at step " + std::to_string(step_) + " of " + std::to_string(plan_.total_steps) + ": " +
                  best_.why_exhausted());
  if (keeps_checkpoints()) save();
  stop_if_any_signalled();
}

void Loop::stop_if_any_signalled() {
  if (ranks_.size() == 1) return stop_if_signalled();
  const std::int64_t signal = stop_signal();
  const at::Tensor sums = at::tensor({signal, static_cast<std::int64_t>(signal != 0)}, at::kLong);
  ranks_.sum(sums, "signals");
  const std::int64_t* const values = sums.const_data_ptr<std::int64_t>();
  if (values[1] > 0) throw Interrupted(static_cast<int>(values[0] / values[1]));
}

void Loop::restore(const ResumePoint& resume) {
  const std::string where = "checkpoint of step " + std::to_string(resume.step);
  const auto restore_group = [&](const std::string& name, const NamedTensors& targets) {
    const auto group = resume.checkpoint.groups.find(name);
    if (group == resume.checkpoint.groups.end())
      throw ModelError(where + ": expected the file " + name + ".safetensors, found none");
    restore_tensors(group->second, targets, where);
  };
  for (const auto& [name, trainee] : method_.trainees()) {
    restore_group(name, trainee.optimizer().state());
    trainee.write_leaves();
  }
  const auto& state = resume.checkpoint.state;
  try {
    method_.restore_numbers(state.at("numbers"));
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(where + ": state.json: numbers: expected those of " + settings_.stage + ", found other values (" +
                     error.what() + ")");
  }
  if (const NamedTensors tensors = method_.tensors(); !tensors.empty()) restore_group(kMethodGroup, tensors);
  step_ = resume.step;
  tokens_ = state.at("num_tokens");
  observed_ = state.at("observed");
  best_.restore(state);
}

bool Loop::checkpoint_due() const {
  const std::int64_t every = settings_.checkpoint.every_steps;
  return every > 0 && step_ % every == 0;
}

bool Loop::shares_state() const {
  const auto trainees = method_.trainees();
  return std::ranges::any_of(trainees,
                             [](const NamedTrainee& named) { return named.trainee.weights().shard().size > 1; });
}

std::map<std::string, NamedTensors> Loop::own_states() const {
  std::map<std::string, NamedTensors> states;
  for (const auto& [name, trainee] : method_.trainees())
    states[shares_state() ? group_part(name, ranks_.rank()) : name] = trainee.optimizer().state();
  return states;
}

void Loop::save() {
  const bool shared = shares_state();
  if (run_ == nullptr) {
    if (shared) save_part();
    return;
  }
  bool told = false;
  const auto tell = [&](const std::filesystem::path& folder) -> std::function<void()> {
    from_first(ranks_, folder.string(), kFolder);
    told = true;
    return [this] { ranks_.gather("", kParts); };
  };
  Checkpoint checkpoint{.groups = own_states()};
  if (NamedTensors tensors = method_.tensors(); !tensors.empty()) checkpoint.groups[kMethodGroup] = std::move(tensors);
  checkpoint.state = {{"num_tokens", tokens_}, {"observed", observed_}, {"numbers", method_.numbers()}};
  checkpoint.state.update(best_.state());
  run_->save(step_, std::move(checkpoint), shared ? OtherWriters(tell) : nullptr);
  if (shared && !told) from_first(ranks_, "", kFolder);
}

/// What a rank without a Run does meanwhile: rank 0 says where to write, or nothing if it has nothing to save.
void Loop::save_part() {
  const std::string folder = from_first(ranks_, "", kFolder);
  if (folder.empty()) return;
  for (const auto& [group, tensors] : own_states()) write_group(folder, group, tensors);
  ranks_.gather("", kParts);
}

std::string Loop::what_remains() const {
  return run_ != nullptr ? run_->what_remains() : "checkpoints are those of rank 0";
}

double Loop::lr_factor() const {
  const LrScheduleOptions& schedule = settings_.lr_schedule;
  const std::int64_t warmup =
      schedule.warmup_steps.value_or(std::llround(schedule.warmup_share * static_cast<double>(plan_.total_steps)));
  return rlhf::lr_factor(schedule.kind, step_, plan_.total_steps, warmup, schedule.min_share);
}

void Loop::train_step() {
  ranks_.set_phase("step " + std::to_string(step_ + 1));
  stop_if_any_signalled();
  const auto start = std::chrono::steady_clock::now();
  const double exchanged = ranks_.seconds_exchanging();
  const auto record = method_.step({step_, lr_factor()});
  ++step_;
  observed_ = false;
  tokens_ += record->tokens;
  summary_.work += record->work;
  ++summary_.steps;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<double> busy(static_cast<std::size_t>(ranks_.size()), 0);
  busy[static_cast<std::size_t>(ranks_.rank())] = seconds - (ranks_.seconds_exchanging() - exchanged);
  ranks_.sum(busy, "times");
  report(*record, seconds, busy);
}

void Loop::report(const StepRecord& record, double seconds, const std::vector<double>& busy) {
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
  std::string slowest_rank;
  if (ranks_.size() > 1) {
    const auto slowest = std::ranges::max_element(busy);
    named.set("time/slowest_rank_seconds", *slowest);
    slowest_rank = "slowest rank " + std::to_string(slowest - busy.begin());
  }
  if (run_ != nullptr && (step_ % settings_.log.every_steps == 0 || is_last())) run_->write_metrics(step_, named);
  if (run_ != nullptr && samples_due(1)) run_->write_samples(step_, record.samples());
  progress_.show(step_, record.headline(), rate, slowest_rank);
}

/// Evaluation and samples after a step. Nothing is written before all of it is computed, so that after a signal a
/// resumed run writes nothing twice.
void Loop::observe() {
  ranks_.set_phase("the evaluation after step " + std::to_string(step_));
  if (evaluation_due()) return_free_memory();
  const auto evaluation = evaluation_due() ? method_.evaluate() : nullptr;
  BestEvaluation best = best_;
  Metrics named, headline;
  bool is_best = false;
  if (evaluation) {
    named.add(evaluation->metrics(), std::string(kEvalPrefix));
    headline.add(evaluation->headline(), std::string(kEvalPrefix));
    is_best = count_evaluation(best, named);
  }
  const bool last = is_last() || best.exhausted();
  const bool show = samples_due(0) || (last && settings_.log.samples_every_steps > 0);
  const auto samples = show ? method_.show() : std::vector<nlohmann::ordered_json>();
  observed_ = true;
  best_ = best;
  if (evaluation) summary_.work += evaluation->work;
  if (run_ != nullptr) run_->write_samples(step_, samples);
  if (!evaluation) return;
  if (run_ != nullptr) run_->write_metrics(step_, named);
  progress_.show_evaluation(step_, headline);
  if (is_best) save_models("best");
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

/// Counts an evaluation for best/ and eval.patience. Returns whether it is the best one so far. eval.best_by is the
/// only metric that is looked up by name, because the config has its name.
bool Loop::count_evaluation(BestEvaluation& best, const Metrics& evaluation) const {
  const double* value = evaluation.find(best.metric());
  if (!value) throw ConfigError({"eval.best_by: expected a metric of the evaluation, found " + best.metric()});
  return step_ > 0 && best.add(step_, *value);  // at step 0 the model is not a result of this run
}

/// Writes the main model last: if it exists, the result is complete.
void Loop::save_models(const std::string& name) {
  method_.before_saving();
  return_free_memory();  // what saving needs has other sizes than what a step leaves
  const auto models = method_.models();
  for (const bool main : {false, true})
    for (const SavedModel& model : models)
      if (model.suffix.empty() == main) save_model(model, name);
}

void Loop::save_model(const SavedModel& model, const std::string& name) {
  if (run_ != nullptr) return run_->save_model(model, name);
  model.weights().give([](const at::Tensor&) {});  // rank 0 needs the part of this rank
}

/// Writes final/ and says where the result is and how to use it.
void Loop::save_result() {
  if (run_ == nullptr) return save_models("final");
  const std::filesystem::path final = run_->folder().final_model();
  run_->write_results(method_);
  progress_.say("writing the model to " + final.string());
  save_models("final");
  run_->finish();
  progress_.say("work: " + summary_.work.summary());
  if (best_.value())
    progress_.say("best evaluation: " + best_.metric() + " " + std::to_string(*best_.value()) + " at step " +
                  std::to_string(best_.step()) + ", model in " + run_->folder().best_model().string());
  progress_.say("done: the model is in " + final.string() + "; to use it: " + method_.next_command(final));
}

}  // namespace rlhf
