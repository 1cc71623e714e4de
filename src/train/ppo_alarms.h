#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/runs/metrics.h"

namespace rlhf {

/// The first and the last values of a figure that a run has per rollout.
struct Trend {
  static constexpr std::size_t kWindow = 10;
  std::vector<double> first, last;  ///< at most kWindow each; `last` may begin with values that `first` has

  void add(double value);
  bool is_full() const { return last.size() == kWindow; }
  double start() const;  ///< mean of `first`
  double now() const;    ///< mean of `last`
};

/// Watches a run of PPO for what the literature knows as signs of failure (docs/metrics.md, "Alarms"). Each alarm is
/// raised once per run.
class PpoAlarms {
 public:
  /// The figures of a rollout that are watched.
  struct Figures {
    double kl = 0;      ///< nats per sequence
    double length = 0;  ///< tokens
    std::optional<double> repetition, entropy, value_loss, explained_variance;
  };
  /// From the metrics of a PPO step.
  static Figures figures_of(const Metrics& metrics);

  /// Counts a rollout and returns a line for each alarm that it raises.
  std::vector<std::string> after_step(const Figures& figures);

  /// An evaluation, with the score of the reward that is trained on and of the held-out one.
  struct Evaluated {
    double kl = 0, score = 0, held_out = 0;
  };
  /// Counts the evaluation after `step` rollouts; the same step replaces it.
  std::vector<std::string> after_evaluation(std::int64_t step, const Evaluated& evaluated);
  /// Where the fit of the held-out scores so far has its peak (feedback/over_optimisation.h).
  std::optional<double> peak_kl() const;

  /// For the checkpoint.
  nlohmann::json state() const;
  void restore(const nlohmann::json& state);

 private:
  /// Appends `line` unless the alarm was raised before.
  void raise(std::vector<std::string>& lines, const std::string& alarm, const std::string& line);

  std::map<std::string, Trend> trends_;
  std::map<std::int64_t, Evaluated> evaluations_;  ///< by step
  std::set<std::string> raised_;
};

}  // namespace rlhf
