// The metrics of docs/metrics.md, in the order of a page.
#include "report/metric_table.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <tuple>

namespace rlhf {
namespace {

constexpr std::string_view kEval = "eval_";
constexpr double kPerMiB = 1.0 / (1024.0 * 1024.0);

struct Row {
  const char *name, *section, *chart, *unit;
  Better better = Better::neither;
  double scale = 1;
};
constexpr Row kRows[] = {
    {"loss", "Training", "loss", "nats", Better::lower},
    {"mean_token_accuracy", "Training", "mean_token_accuracy", "share of label tokens", Better::higher},
    {"accuracy", "Training", "accuracy", "share of pairs", Better::higher},
    {"margin", "Training", "margin", "reward units", Better::higher},
    {"mean_reward", "Training", "rewards", "reward units"},
    {"min_reward", "Training", "rewards", "reward units"},
    {"max_reward", "Training", "rewards", "reward units"},
    {"entropy", "Training", "entropy", "nats per label token"},
    {"grad_norm", "Training", "grad_norm", ""},
    {"learning_rate", "Training", "learning_rate", ""},
    {"num_pairs", "Training", "num_pairs", "pairs per step"},
    {"objective/scores", "Objective", "rewards", "reward units", Better::higher},
    {"objective/rlhf_reward", "Objective", "rewards", "reward units", Better::higher},
    {"objective/non_score_reward", "Objective", "rewards", "reward units"},
    {"objective/kl", "Objective", "objective/kl", "nats per sequence"},
    {"objective/entropy", "Objective", "objective/entropy", "nats per sequence"},
    {"objective/kl_coef", "Objective", "objective/kl_coef", ""},
    {"policy/approxkl_avg", "Policy", "policy/approxkl_avg", "nats per token"},
    {"policy/clipfrac_avg", "Policy", "policy/clipfrac_avg", "share of tokens"},
    {"policy/entropy_avg", "Policy", "policy/entropy_avg", "nats per token"},
    {"loss/policy_avg", "Policy", "loss/policy_avg", ""},
    {"val/ratio", "Policy", "val/ratio", ""},
    {"val/ratio_var", "Policy", "val/ratio_var", ""},
    {"policy/grad_norm", "Policy", "policy/grad_norm", ""},
    {"lr", "Policy", "lr", ""},
    {"critic/explained_variance", "Value model", "critic/explained_variance", "at most 1", Better::higher},
    {"loss/value_avg", "Value model", "loss/value_avg", "", Better::lower},
    {"val/clipfrac_avg", "Value model", "val/clipfrac_avg", "share of tokens"},
    {"critic/grad_norm", "Value model", "critic/grad_norm", ""},
    {"rollout/response_length", "Rollout", "rollout/response_length", "tokens"},
    {"val/num_eos_tokens", "Rollout", "val/num_eos_tokens", "responses"},
    {"rollout/logprob_diff", "Rollout", "rollout/logprob_diff", "nats per token"},
    {"rollout/extra_forwards", "Rollout", "rollout/extra_forwards", "sequences"},
    {"perf/tokens_per_second", "Speed and memory", "perf/tokens_per_second", "tokens per second"},
    {"perf/pairs_per_second", "Speed and memory", "perf/pairs_per_second", "pairs per second"},
    {"time/step_seconds", "Speed and memory", "time of a step", "seconds"},
    {"time/rollout_seconds", "Speed and memory", "time of a step", "seconds"},
    {"time/score_seconds", "Speed and memory", "time of a step", "seconds"},
    {"time/update_seconds", "Speed and memory", "time of a step", "seconds"},
    {"perf/peak_memory_bytes", "Speed and memory", "perf/peak_memory_bytes", "MiB", Better::neither, kPerMiB},
    {"num_tokens", "", "", "tokens"},
    {"episode", "", "", "responses"},
};

bool is_eval(const std::string& name) { return name.starts_with(kEval); }
std::string without_eval(const std::string& name) { return is_eval(name) ? name.substr(kEval.size()) : name; }

const Row* find_row(const std::string& name) {
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return name == r.name; });
  return row == std::end(kRows) ? nullptr : row;
}

// Several metrics of evaluation and training would be too much for one chart.
std::string chart_of(const std::string& name, const Row& row) {
  const bool is_full = row.chart != std::string_view(row.name) && is_eval(name);
  return is_full ? std::string(kEval) + row.chart : row.chart;
}

}  // namespace

MetricInfo metric_info(const std::string& name) {
  const Row* row = find_row(without_eval(name));
  if (row == nullptr) return {.section = "Other", .chart = name};
  return {row->section, chart_of(name, *row), row->unit, row->better, row->scale};
}

void sort_metrics(std::vector<std::string>& names) {
  const auto place = [](const std::string& name) {
    const Row* row = find_row(without_eval(name));
    if (row == nullptr) return std::tuple(std::ssize(kRows), is_eval(name), std::ssize(kRows), name);
    const auto same_chart = [&](const Row& r) {
      return std::string_view(r.chart) == row->chart && std::string_view(r.section) == row->section;
    };
    const std::ptrdiff_t chart = std::find_if(std::begin(kRows), std::end(kRows), same_chart) - kRows;
    return std::tuple(chart, is_eval(name), row - kRows, name);
  };
  std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

Curve scaled(const Curve& metric) {
  Curve curve = metric;
  const double scale = metric_info(metric.name).scale;
  if (scale != 1)
    for (auto& point : curve.points) point.second *= scale;
  return curve;
}

}  // namespace rlhf
