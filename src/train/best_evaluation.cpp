// The best evaluation of a run, and when to end a run that does not improve.
#include "best_evaluation.h"

#include <cmath>
#include <cstdio>

namespace rlhf {

bool BestEvaluation::add(std::int64_t step, double value) {
  const bool improves = std::isfinite(value) && (!bar_ || is_better(value, *bar_, options_.min_delta));
  if (improves) bar_ = value;
  misses_ = improves ? 0 : misses_ + 1;
  if (!std::isfinite(value) || (value_ && !is_better(value, *value_, 0))) return false;
  value_ = value;
  step_ = step;
  return true;
}

std::string BestEvaluation::why_exhausted() const {
  char by[64] = "";
  if (options_.min_delta > 0) std::snprintf(by, sizeof by, " by more than %g", options_.min_delta);
  return metric_ + " has not improved" + by + " in " + std::to_string(misses_) + " evaluations (eval.patience)";
}

nlohmann::json BestEvaluation::state() const {
  nlohmann::json state = {{"best_by", metric_}, {"evaluations_without_improvement", misses_}};
  if (value_) state.update({{"best", *value_}, {"best_step", step_}});
  if (bar_) state["last_improvement"] = *bar_;
  if (exhausted()) state["ended_early"] = true;
  return state;
}

void BestEvaluation::restore(const nlohmann::json& state) {
  if (state.value("best_by", "") != metric_) return;
  misses_ = state.value("evaluations_without_improvement", std::int64_t{0});
  step_ = state.value("best_step", std::int64_t{0});
  if (state.contains("best")) value_ = state.at("best").get<double>();
  bar_ = state.contains("last_improvement") ? std::optional(state.at("last_improvement").get<double>()) : value_;
}

bool goes_on_after_early_stop(const nlohmann::json& state, const EvalOptions& options) {
  if (!state.value("ended_early", false)) return false;
  return options.patience == 0 || state.value("evaluations_without_improvement", std::int64_t{0}) < options.patience;
}

}  // namespace rlhf
