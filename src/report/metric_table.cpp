// The charts of a page, in their order.
#include "report/metric_table.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <tuple>

#include "rlhf/config/stage.h"

namespace rlhf {
namespace {

constexpr double kPerMiB = 1.0 / (1024.0 * 1024.0);

struct Place {
  std::string_view name, section, chart;
};
constexpr Place kPlaces[] = {
    {"loss", "Training", "loss"},
    {"mean_token_accuracy", "Training", "mean_token_accuracy"},
    {"centering_loss", "Training", "centering_loss"},
    {"accuracy", "Training", "accuracy"},
    {"margin", "Training", "margin"},
    {"mean_reward", "Training", "rewards"},
    {"min_reward", "Training", "rewards"},
    {"max_reward", "Training", "rewards"},
    {"rewards/accuracies", "Training", "rewards/accuracies"},
    {"rewards/margins", "Training", "rewards/margins"},
    {"rewards/chosen", "Training", "rewards"},
    {"rewards/rejected", "Training", "rewards"},
    {"logps/chosen", "Training", "logps"},
    {"logps/rejected", "Training", "logps"},
    {"kl", "Training", "kl"},
    {"entropy", "Training", "entropy"},
    {"grad_norm", "Training", "grad_norm"},
    {"learning_rate", "Training", "learning_rate"},
    {"aux_loss", "Training", "aux_loss"},
    {"num_pairs", "Training", "num_pairs"},
    {"objective/scores", "Objective", "rewards"},
    {"objective/rlhf_reward", "Objective", "rewards"},
    {"objective/held_out_scores", "Objective", "rewards"},
    {"objective/non_score_reward", "Objective", "rewards"},
    {"objective/kl", "Objective", "objective/kl"},
    {"objective/held_out_peak_kl", "Objective", "objective/kl"},
    {"objective/entropy", "Objective", "objective/entropy"},
    {"objective/kl_coef", "Objective", "objective/kl_coef"},
    {"objective/clipped_scores", "Objective", "objective/clipped_scores"},
    {"objective/scores_spread", "Objective", "objective/scores_spread"},
    {"objective/agreement", "Objective", "objective/agreement"},
    {"objective/agreement_penalty", "Objective", "penalty on agreement"},
    {"objective/agreement_weight", "Objective", "penalty on agreement"},
    {"objective/score_scale", "Objective", "objective/score_scale"},
    {"policy/approxkl_avg", "Policy", "policy/approxkl_avg"},
    {"policy/clipfrac_avg", "Policy", "policy/clipfrac_avg"},
    {"policy/entropy_avg", "Policy", "policy/entropy_avg"},
    {"loss/policy_avg", "Policy", "loss/policy_avg"},
    {"loss/kl_avg", "Policy", "loss/kl_avg"},
    {"loss/ptx_avg", "Policy", "loss/ptx_avg"},
    {"policy/num_updates", "Policy", "policy/num_updates"},
    {"val/ratio", "Policy", "val/ratio"},
    {"val/ratio_var", "Policy", "val/ratio_var"},
    {"policy/grad_norm", "Policy", "policy/grad_norm"},
    {"lr", "Policy", "lr"},
    {"critic/explained_variance", "Value model", "critic/explained_variance"},
    {"loss/value_avg", "Value model", "loss/value_avg"},
    {"val/clipfrac_avg", "Value model", "val/clipfrac_avg"},
    {"critic/grad_norm", "Value model", "critic/grad_norm"},
    {"rollout/response_length", "Rollout", "rollout/response_length"},
    {"rollout/ended", "Rollout", "rollout/ended"},
    {"val/num_eos_tokens", "Rollout", "val/num_eos_tokens"},
    {"rollout/logprob_diff", "Rollout", "rollout/logprob_diff"},
    {"rollout/repetition", "Rollout", "rollout/repetition"},
    {"rollout/equal_groups", "Rollout", "rollout/equal_groups"},
    {"rollout/refilled_prompts", "Rollout", "rollout/refilled_prompts"},
    {"rollout/extra_forwards", "Rollout", "rollout/extra_forwards"},
    {"perf/tokens_per_second", "Speed and memory", "perf/tokens_per_second"},
    {"perf/pairs_per_second", "Speed and memory", "perf/pairs_per_second"},
    {"time/step_seconds", "Speed and memory", "time of a step"},
    {"time/slowest_rank_seconds", "Speed and memory", "time of a step"},
    {"time/rollout_seconds", "Speed and memory", "time of a step"},
    {"time/score_seconds", "Speed and memory", "time of a step"},
    {"time/update_seconds", "Speed and memory", "time of a step"},
    {"perf/peak_memory_bytes", "Speed and memory", "perf/peak_memory_bytes"},
    {"num_tokens", "", ""},
    {"episode", "", ""},
};

bool is_eval(std::string_view name) { return name.starts_with(kEvalPrefix); }

std::string_view without_eval(std::string_view name) {
  if (is_eval(name)) name.remove_prefix(kEvalPrefix.size());
  return name;
}

const Place* find_place(std::string_view name) {
  const std::string_view plain = without_eval(name);
  const auto place =
      std::find_if(std::begin(kPlaces), std::end(kPlaces), [&](const Place& p) { return plain == p.name; });
  return place == std::end(kPlaces) ? nullptr : place;
}

// The entry for the stage whose program is rlhf-STAGE, or for the first stage with this metric.
const MetricInfo* find_info(std::string_view name, const std::string& stage) {
  for (const Stage known : kStages)
    if (tool_of(known) == "rlhf-" + stage)
      if (const MetricInfo* info = find_metric(known, name)) return info;
  for (const Stage known : kStages)
    if (const MetricInfo* info = find_metric(known, name)) return info;
  return nullptr;
}

// Several metrics of evaluation and of training would make one chart too full.
std::string chart_of(std::string_view name, const Place& place) {
  const bool is_full = place.chart != place.name && is_eval(name);
  return (is_full ? std::string(kEvalPrefix) : "") + std::string(place.chart);
}

}  // namespace

MetricView metric_view(const std::string& name, const std::string& stage) {
  MetricView view{.section = "Other", .chart = name};
  if (const Place* place = find_place(name)) {
    view.section = place->section;
    view.chart = chart_of(name, *place);
  }
  if (without_eval(name).starts_with(kTermPrefix)) view = {.section = "Objective", .chart = "terms of the reward"};
  if (const MetricInfo* info = find_info(name, stage)) {
    view.unit = info->unit;
    view.better = info->better;
  }
  if (view.unit == "bytes") {
    view.unit = "MiB";
    view.scale = kPerMiB;
  }
  return view;
}

void sort_metrics(std::vector<std::string>& names) {
  const auto order = [](const std::string& name) {
    const Place* place = find_place(name);
    if (place == nullptr) return std::tuple(std::ssize(kPlaces), is_eval(name), std::ssize(kPlaces), name);
    const auto same_chart = [&](const Place& p) { return p.chart == place->chart && p.section == place->section; };
    const std::ptrdiff_t chart = std::find_if(std::begin(kPlaces), std::end(kPlaces), same_chart) - kPlaces;
    return std::tuple(chart, is_eval(name), place - kPlaces, name);
  };
  std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
}

Curve scaled(const Curve& metric) {
  Curve curve = metric;
  const double scale = metric_view(metric.name).scale;
  if (scale != 1)
    for (auto& point : curve.points) point.second *= scale;
  return curve;
}

}  // namespace rlhf
