#include "supervised_loop.h"

#include <chrono>
#include <cmath>

#include <ATen/core/Tensor.h>

#include "rlhf/algo/lr_schedule.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/nn/optimizer.h"
#include "rlhf/tensor/device.h"
#include "rlhf/tensor/work_counters.h"

#include "progress.h"

namespace rlhf {

namespace {

bool higher_is_better(const std::string& metric) {
  return metric.find("accuracy") != std::string::npos || metric.find("margin") != std::string::npos;
}

/// One run of a supervised stage: the state that a checkpoint holds, and what changes it.
class SupervisedRun {
 public:
  SupervisedRun(SupervisedStage& stage, const SupervisedSettings& settings, Run& run,
                const std::optional<ResumePoint>& resume)
      : stage_(stage),
        settings_(settings),
        run_(run),
        optimizer_(stage.parameters, settings.optimizer),
        order_(static_cast<std::size_t>(settings.plan.num_samples), settings.plan.batch_size, settings.seed,
               settings.shuffle),
        progress_(stage.name, resume ? resume->step : 0, settings.plan.total_steps, stage.rate, stage.figure,
                  stage.other_figure) {
    if (resume) restore(*resume);
  }

  void go() {
    try {
      while (true) {
        if (!observed_) observe();
        if (step_ > 0 && run_.checkpoint_due(step_)) save();
        if (step_ >= settings_.plan.total_steps) break;
        train_step();
      }
    } catch (const Interrupted&) {
      save();
      throw;
    }
    if (run_.keeps_checkpoints()) save();
    stage_.save_model(optimizer_.weights(), run_.folder().final_model());
    run_.flush();
    log_info("work: " + work_counters().summary());
  }

 private:
  void restore(const ResumePoint& resume) {
    restore_tensors(resume.checkpoint.groups.at("optimizer"), optimizer_.state(), "checkpoint");
    optimizer_.reload();
    const auto& state = resume.checkpoint.state;
    step_ = resume.step;
    tokens_ = state.at("num_tokens");
    observed_ = state.at("observed");
    if (state.contains("best") && state.at("best_by") == best_by()) best_ = state.at("best").get<double>();
  }

  void save() {
    Checkpoint checkpoint;
    checkpoint.groups["optimizer"] = optimizer_.state();
    checkpoint.state = {{"num_tokens", tokens_}, {"observed", observed_}};
    if (best_) checkpoint.state.update({{"best", *best_}, {"best_by", best_by()}});
    run_.save(step_, std::move(checkpoint));
  }

  /// What a step is followed by. Nothing is written before all of it is known, so that a signal in between leaves
  /// nothing that a resumed run would write twice.
  void observe() {
    const Metrics metrics = evaluation_due() ? stage_.evaluate() : Metrics();
    const auto samples = samples_due() ? stage_.show() : std::vector<nlohmann::ordered_json>();
    observed_ = true;
    run_.write_samples(step_, samples);
    if (metrics.items().empty()) return;
    run_.write_metrics(step_, metrics);
    progress_.show(step_, metrics);
    keep_if_best(metrics);
  }

  bool evaluation_due() const {
    if (!stage_.evaluate) return false;
    const std::int64_t every = settings_.eval.every_steps;
    return step_ == 0 || step_ == settings_.plan.total_steps || (every > 0 && step_ % every == 0);
  }

  bool samples_due() const {
    const std::int64_t every = settings_.log.samples_every_steps;
    return stage_.show && every > 0 && (step_ % every == 0 || step_ == settings_.plan.total_steps);
  }

  std::string best_by() const { return settings_.eval.best_by.empty() ? "eval_loss" : settings_.eval.best_by; }

  void keep_if_best(const Metrics& metrics) {
    const std::string name = best_by();
    const double* value = metrics.find(name);
    if (!value) throw ConfigError({"eval.best_by: expected a metric of the evaluation, found " + name});
    const bool better = !best_ || (higher_is_better(name) ? *value > *best_ : *value < *best_);
    if (!better || !std::isfinite(*value) || step_ == 0) return;  // at step 0 the model is no result of this run
    best_ = *value;
    stage_.save_model(optimizer_.weights(), run_.folder().best_model());
  }

  void train_step() {
    stop_if_signalled();
    const auto start = std::chrono::steady_clock::now();
    const auto& plan = settings_.plan;
    const double lr = settings_.optimizer.lr * lr_factor(settings_.schedule.kind, step_, plan.total_steps,
                                                         plan.warmup_steps, settings_.schedule.min_share);
    optimizer_.zero_grad();
    Metrics metrics = stage_.accumulate(order_.batch(step_));
    const double grad_norm = optimizer_.step(lr).item<double>();
    if (!std::isfinite(grad_norm)) throw not_finite(metrics);
    ++step_;
    observed_ = false;
    report(metrics, grad_norm, lr, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  void report(Metrics& metrics, double grad_norm, double lr, double seconds) {
    const double step_tokens = *metrics.find("num_tokens");
    tokens_ += static_cast<std::int64_t>(step_tokens);
    metrics.set("num_tokens", static_cast<double>(tokens_));
    metrics.set("grad_norm", grad_norm);
    metrics.set("learning_rate", lr);
    metrics.set("perf/tokens_per_second", step_tokens / seconds);
    if (const double* pairs = metrics.find("num_pairs")) metrics.set("perf/pairs_per_second", *pairs / seconds);
    metrics.set("perf/peak_memory_bytes", static_cast<double>(peak_memory_bytes(stage_.device)));
    metrics.set("time/step_seconds", seconds);
    if (step_ % settings_.log.every_steps == 0 || step_ == settings_.plan.total_steps)
      run_.write_metrics(step_, metrics);
    progress_.show(step_, metrics);
  }

  NumericsError not_finite(const Metrics& metrics) const {
    const double* loss = metrics.find("loss");
    return NumericsError("step " + std::to_string(step_ + 1) + ": expected a finite gradient norm, found a loss of " +
                         (loss ? std::to_string(*loss) : "unknown size") +
                         "; the weights are not touched and the last checkpoint stands; hint: lower optimizer.lr");
  }

  SupervisedStage& stage_;
  const SupervisedSettings& settings_;
  Run& run_;
  AdamW optimizer_;
  BatchOrder order_;
  Progress progress_;
  std::int64_t step_ = 0, tokens_ = 0;
  bool observed_ = false;  ///< evaluation and samples of this step are done
  std::optional<double> best_;
};

}  // namespace

void run_supervised(SupervisedStage& stage, const SupervisedSettings& settings, Run& run,
                    const std::optional<ResumePoint>& resume) {
  SupervisedRun(stage, settings, run, resume).go();
}

}  // namespace rlhf
