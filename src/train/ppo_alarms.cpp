// Signs that a run of PPO fails.
#include "ppo_alarms.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "rlhf/feedback/over_optimisation.h"

namespace rlhf {

namespace {

double mean_value(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(1, values.size()));
}

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// "alarm: WHAT: expected …, found …, the mean of the last 10 rollouts; hint: …"
std::string line_of(const std::string& what, const std::string& expected, double found, const std::string& hint) {
  return "alarm: " + what + ": expected " + expected + ", found " + figure(found) + ", the mean of the last " +
         std::to_string(Trend::kWindow) + " rollouts; hint: " + hint;
}

}  // namespace

void Trend::add(double value) {
  if (first.size() < kWindow) first.push_back(value);
  last.push_back(value);
  if (last.size() > kWindow) last.erase(last.begin());
}

double Trend::start() const { return mean_value(first); }
double Trend::now() const { return mean_value(last); }

PpoAlarms::Figures PpoAlarms::figures_of(const Metrics& metrics) {
  const auto value = [&](const char* name) {
    const double* found = metrics.find(name);
    return found == nullptr ? std::nullopt : std::optional(*found);
  };
  return {.kl = value("objective/kl").value(),
          .length = value("rollout/response_length").value(),
          .repetition = value("rollout/repetition"),
          .entropy = value("policy/entropy_avg"),
          .value_loss = value("loss/value_avg"),
          .explained_variance = value("critic/explained_variance")};
}

std::vector<std::string> PpoAlarms::after_step(const Figures& figures) {
  const auto watch = [&](const char* name, const std::optional<double>& value) -> const Trend& {
    Trend& trend = trends_[name];
    if (value) trend.add(*value);
    return trend;
  };
  const Trend &kl = watch("kl", figures.kl), &length = watch("length", figures.length),
              &repetition = watch("repetition", figures.repetition), &entropy = watch("entropy", figures.entropy),
              &value_loss = watch("value_loss", figures.value_loss),
              &explained = watch("explained_variance", figures.explained_variance);
  std::vector<std::string> lines;
  const double most_kl = std::max(10.0, 0.1 * length.now());
  if (kl.is_full() && kl.now() > most_kl)
    raise(lines, "kl",
          line_of("objective/kl explodes",
                  "at most " + figure(most_kl) +
                      " nats per sequence (TRL's guide says 0 to 10; Ziegler et al. 2019 aim at 6)",
                  kl.now(), "raise ppo.kl_coef, set ppo.kl_controller: adaptive, or lower optimizer.lr"));
  if (kl.is_full() && kl.now() < -1)
    raise(
        lines, "negative kl",
        line_of("objective/kl is negative", "at least -1, for a KL is not below 0 but for noise (the limit of TRL)",
                kl.now(), "are model.reference and rollout.temperature those of the policy? see rollout/logprob_diff"));
  if (value_loss.is_full() && value_loss.now() >= value_loss.start() && explained.is_full() && explained.now() <= 0 &&
      value_loss.first != value_loss.last)
    raise(lines, "value",
          line_of("the value model does not learn",
                  "loss/value_avg below " + figure(value_loss.start()) +
                      ", that of the first rollouts, or critic/explained_variance above 0 (Huang et al. 2022, \"The 37 "
                      "implementation details of PPO\")",
                  value_loss.now(),
                  "raise value_optimizer.lr, set ppo.value_warmup_steps, or start it as the reward model"));
  if (entropy.is_full() && entropy.now() < 0.1 * entropy.start())
    raise(
        lines, "entropy",
        line_of("policy/entropy_avg collapses",
                "above a tenth of " + figure(entropy.start()) +
                    ", that of the first rollouts (Cui et al. 2025, \"The entropy "
                    "mechanism of reinforcement learning\")",
                entropy.now(), "set ppo.entropy_coef, raise ppo.kl_coef or ppo.cliprange_high, or lower optimizer.lr"));
  if (length.is_full() && (length.now() > 2 * length.start() || length.now() < length.start() / 2))
    raise(lines, "length",
          line_of("rollout/response_length drifts",
                  "between a half and twice " + figure(length.start()) +
                      ", that of the first rollouts (Singhal et al. 2023, \"A "
                      "long way to go\": much of a reward is length)",
                  length.now(),
                  "does the reward model pay for length? rlhf-eval reward compares it with the rule of lengths"));
  if (repetition.is_full() && repetition.now() > std::max(0.2, 2 * repetition.start()))
    raise(lines, "repetition",
          line_of("rollout/repetition is high", "below 0.2 (Welleck et al. 2019: people 0.01, greedy decoding 0.4)",
                  repetition.now(), "raise ppo.kl_coef, or penalise it by a term of reward.terms"));
  return lines;
}

std::vector<std::string> PpoAlarms::after_evaluation(std::int64_t step, const Evaluated& evaluated) {
  evaluations_[step] = evaluated;
  std::vector<std::string> lines;
  if (evaluations_.size() < 4) return lines;
  const auto best = std::ranges::max_element(evaluations_, {}, [](const auto& entry) { return entry.second.held_out; });
  const auto newest = std::prev(evaluations_.end()), before = std::prev(newest);
  // Two evaluations in a row, so that the noise of one is not enough.
  const bool has_turned = best != newest && best != before && newest->second.score > best->second.score &&
                          before->second.score > best->second.score;
  if (!has_turned) return lines;
  const auto peak = peak_kl();
  raise(lines, "over-optimisation",
        "alarm: over-optimisation: expected eval_objective/held_out_scores to rise with eval_objective/scores, found " +
            figure(newest->second.held_out) + " after " + figure(best->second.held_out) + " at step " +
            std::to_string(best->first) + ", while the other rose from " + figure(best->second.score) + " to " +
            figure(newest->second.score) + "; " +
            (peak ? "the fit d·(α − β·ln d), d = √KL, of Gao et al. (2022) has its peak at a KL of " + figure(*peak) +
                        " nats, now it is " + figure(newest->second.kl) + "; "
                  : "") +
            "hint: take best/ by eval.best_by: eval_objective/held_out_scores, end with eval.patience, or raise "
            "ppo.kl_coef");
  return lines;
}

std::optional<double> PpoAlarms::peak_kl() const {
  if (evaluations_.empty()) return std::nullopt;
  std::vector<RewardAtKl> points;
  for (const auto& [step, evaluated] : evaluations_) points.push_back({evaluated.kl, evaluated.held_out});
  const auto fit = fit_over_optimisation(points, evaluations_.begin()->second.held_out);
  return fit ? fit->peak_kl() : std::nullopt;
}

void PpoAlarms::raise(std::vector<std::string>& lines, const std::string& alarm, const std::string& line) {
  if (raised_.insert(alarm).second) lines.push_back(line);
}

nlohmann::json PpoAlarms::state() const {
  nlohmann::json trends = nlohmann::json::object(), evaluations = nlohmann::json::array();
  for (const auto& [name, trend] : trends_) trends[name] = {trend.first, trend.last};
  for (const auto& [step, seen] : evaluations_) evaluations.push_back({step, seen.kl, seen.score, seen.held_out});
  return {{"trends", trends}, {"evaluations", evaluations}, {"raised", raised_}};
}

void PpoAlarms::restore(const nlohmann::json& state) {
  for (const auto& [name, trend] : state.at("trends").items())
    trends_[name] = {trend.at(0).get<std::vector<double>>(), trend.at(1).get<std::vector<double>>()};
  for (const auto& seen : state.at("evaluations"))
    evaluations_[seen.at(0).get<std::int64_t>()] = {seen.at(1), seen.at(2), seen.at(3)};
  raised_ = state.at("raised").get<std::set<std::string>>();
}

}  // namespace rlhf
