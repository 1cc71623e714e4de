#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/config/metrics_list.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// The best evaluation of a run by one metric, and the number of evaluations since the metric last improved by more
/// than eval.min_delta. Small improvements in a row count as soon as their sum is large enough.
class BestEvaluation {
 public:
  BestEvaluation(std::string metric, Better better, const EvalOptions& options)
      : metric_(std::move(metric)), better_(better), options_(options) {}

  const std::string& metric() const { return metric_; }
  std::optional<double> value() const { return value_; }
  std::int64_t step() const { return step_; }  ///< of value()

  /// Counts an evaluation. Returns whether it is the best so far. A value that is not finite is no improvement.
  bool add(std::int64_t step, double value);
  /// Whether eval.patience is used up.
  bool exhausted() const { return options_.patience > 0 && misses_ >= options_.patience; }
  /// "eval_loss has not improved by more than 0.01 in 3 evaluations (eval.patience)"
  std::string why_exhausted() const;

  /// For the checkpoint. restore() ignores the state of another metric.
  nlohmann::json state() const;
  void restore(const nlohmann::json& state);

 private:
  bool is_better(double value, double than, double by) const {
    return better_ == Better::higher ? value > than + by : value < than - by;
  }

  std::string metric_;
  Better better_;
  EvalOptions options_;
  std::optional<double> value_;
  std::int64_t step_ = 0;
  std::optional<double> bar_;  ///< the value at the last improvement by more than min_delta
  std::int64_t misses_ = 0;    ///< evaluations since then
};

/// Whether the run of this checkpoint ended early, but would go on with `options`.
bool goes_on_after_early_stop(const nlohmann::json& state, const EvalOptions& options);

}  // namespace rlhf
