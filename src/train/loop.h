#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "rlhf/train/method.h"

#include "best_evaluation.h"
#include "progress.h"
#include "run.h"

namespace rlhf {

/// The training loop of all methods: steps, learning rate, evaluation, samples, metrics, checkpoints, best/ and final/.
class Loop {
 public:
  /// `run` is null on the ranks that write nothing. Restores the method from the checkpoint `resume`, if there is one.
  Loop(Method& method, const RunSettings& settings, const MethodPlan& plan, const Setup& setup, Run* run,
       const std::optional<ResumePoint>& resume);

  /// Runs to the last step. After a signal, also one to another rank, saves a checkpoint of the last complete step and
  /// throws Interrupted.
  RunSummary go();

 private:
  void restore(const ResumePoint& resume);
  void train();
  void save();
  void save_part();
  /// The groups of a checkpoint that this rank writes.
  std::map<std::string, NamedTensors> own_states() const;
  /// Whether each rank has a part of the training state, and writes it.
  bool shares_state() const;
  void train_step();
  /// Throws Interrupted if a rank received a signal, on all ranks at the same place.
  void stop_if_any_signalled();
  /// `seconds` of the whole step; `busy` those that each rank worked, without waiting for others.
  void report(const StepRecord& record, double seconds, const std::vector<double>& busy);
  void observe();
  bool evaluation_due() const;
  bool samples_due(std::int64_t first) const;
  bool count_evaluation(BestEvaluation& best, const Metrics& evaluation) const;
  void save_models(const std::string& name);
  void save_model(const SavedModel& model, const std::string& name);
  void save_result();
  double lr_factor() const;
  std::string what_remains() const;
  bool is_last() const { return step_ == plan_.total_steps; }
  bool checkpoint_due() const;
  /// Whether the run saves checkpoints. Such a run also saves one of its last step, so that it can be lengthened.
  bool keeps_checkpoints() const { return settings_.checkpoint.every_steps > 0 || resumed_; }
  bool ends() const { return step_ >= plan_.total_steps || best_.exhausted(); }

  Method& method_;
  const RunSettings& settings_;
  const MethodPlan& plan_;
  const Ranks& ranks_;
  at::Device device_;
  const bool resumed_;
  Run* const run_;  ///< null on the ranks that write nothing
  Progress progress_;
  RunSummary summary_;
  std::int64_t step_ = 0, tokens_ = 0;
  bool observed_ = false;  ///< evaluation and samples of this step are done
  BestEvaluation best_;
};

}  // namespace rlhf
