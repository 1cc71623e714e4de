// The page that compares several runs.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/report/html_page.h"
#include "rlhf/report/run_report.h"

#include "report/config_keys.h"
#include "report/metric_table.h"
#include "report/run_data.h"
#include "report/run_page.h"
#include "report/scale.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Runs = std::vector<RunData>;

// Distinct names for the runs: the name of the folder, or the given path if two names are equal.
void name_runs(Runs& runs) {
  std::map<std::string, int> uses;
  for (const RunData& run : runs) ++uses[run.name];
  for (RunData& run : runs)
    if (uses[run.name] > 1) run.name = run.folder.lexically_normal().string();
}

std::vector<std::string> names_of(const Runs& runs) {
  std::vector<std::string> names;
  for (const RunData& run : runs) names.push_back(run.name);
  return names;
}

std::vector<std::string> metric_names(const Runs& runs) {
  std::set<std::string> names;
  for (const RunData& run : runs)
    for (const Curve& metric : run.metrics)
      if (!metric_view(metric.name).section.empty()) names.insert(metric.name);
  std::vector<std::string> sorted(names.begin(), names.end());
  sort_metrics(sorted);
  return sorted;
}

HtmlPage::Table table_of(const Runs& runs, const std::string& corner) {
  std::vector<std::string> head = {corner};
  for (const std::string& name : names_of(runs)) head.push_back(name);
  return {head};
}

HtmlPage::Table overview(const Runs& runs) {
  HtmlPage::Table table = table_of(runs, "");
  const auto add = [&](const std::string& name, auto text_of) {
    std::vector<std::string> row = {name};
    for (const RunData& run : runs) row.push_back(text_of(run));
    table.push_back(row);
  };
  add("program", [](const RunData& run) { return tool_of(run) + " " + run.version; });
  add("state", [](const RunData& run) { return state_of(run, /*has_ended=*/false); });
  add("started", [](const RunData& run) { return run.log.first_time; });
  add("duration", [](const RunData& run) { return run.log.first_time.empty() ? "" : duration(run.log.seconds); });
  return table;
}

std::optional<std::pair<double, double>> best_point(const Curve& curve, Better better) {
  std::optional<std::pair<double, double>> best;
  for (const auto& point : curve.points) {
    if (!std::isfinite(point.second)) continue;
    const bool is_better =
        !best || (better == Better::lower ? point.second < best->second : point.second > best->second);
    if (is_better) best = point;
  }
  return best;
}

// "0.42 (0.40 at 300)": the last value, and the best value if the metric has a better direction.
std::string last_and_best(const RunData& run, const std::string& name) {
  const Curve* metric = find_metric(run, name);
  if (metric == nullptr) return "";
  const Curve curve = scaled(*metric);
  const std::optional<Better> better = metric_view(name, run.stage).better;
  std::string text = show_number(curve.points.back().second);
  if (!better) return text;
  if (const auto best = best_point(curve, *better))
    text += " (" + show_number(best->second) + " at " + show_number(best->first) + ")";
  return text;
}

// In the first run that has the metric.
std::string unit_of(const Runs& runs, const std::string& name) {
  const auto first = std::find_if(runs.begin(), runs.end(), [&](const RunData& run) { return find_metric(run, name); });
  return metric_view(name, first == runs.end() ? "" : first->stage).unit;
}

HtmlPage::Table values(const Runs& runs) {
  HtmlPage::Table table = table_of(runs, "last value (best at step)");
  for (const std::string& name : metric_names(runs)) {
    const std::string unit = unit_of(runs, name);
    std::vector<std::string> row = {name + (unit.empty() ? "" : ", " + unit)};
    for (const RunData& run : runs) row.push_back(last_and_best(run, name));
    table.push_back(row);
  }
  return table;
}

HtmlPage::Table differing_keys(const Runs& runs) {
  std::vector<std::map<std::string, std::string>> configs;
  std::set<std::string> keys;
  for (const RunData& run : runs) {
    configs.push_back(config_keys(run.config));
    for (const auto& [key, value] : configs.back()) keys.insert(key);
  }
  HtmlPage::Table table = table_of(runs, "key");
  for (const std::string& key : keys) {
    std::vector<std::string> row = {key};
    for (const auto& config : configs) row.push_back(config.contains(key) ? config.at(key) : "–");
    const bool differs = std::adjacent_find(row.begin() + 1, row.end(), std::not_equal_to<>()) != row.end();
    if (differs) table.push_back(row);
  }
  return table;
}

// Every run has the same index in every chart, so that it looks the same in all of them.
Chart chart_of(const Runs& runs, const std::string& name) {
  Chart chart{.title = name, .unit = unit_of(runs, name)};
  for (const RunData& run : runs) {
    const Curve* metric = find_metric(run, name);
    if (metric && chart.x_label != "step") chart.x_label = step_label(run);
    chart.curves.push_back(metric ? scaled(*metric) : Curve());
    chart.curves.back().name = run.name;
  }
  return chart;
}

void add_charts(HtmlPage& page, const Runs& runs) {
  std::string section;
  std::vector<Chart> charts;
  for (const std::string& name : metric_names(runs)) {
    const MetricView view = metric_view(name);
    if (view.section != section) {
      page.charts(charts, /*legend=*/false);
      charts.clear();
      page.heading(section = view.section);
    }
    charts.push_back(chart_of(runs, name));
  }
  page.charts(charts, /*legend=*/false);
}

}  // namespace

std::string comparison_page(const std::vector<fs::path>& run_folders) {
  for (const fs::path& folder : run_folders) check_is_run(folder);
  Runs runs;
  for (const fs::path& folder : run_folders) runs.push_back(read_run(folder));
  name_runs(runs);
  HtmlPage page(std::to_string(runs.size()) + " runs");
  page.table(overview(runs));
  page.legend(names_of(runs));
  add_charts(page, runs);
  page.heading("Values");
  page.table(values(runs));
  const HtmlPage::Table differences = differing_keys(runs);
  if (differences.size() > 1) page.heading("Keys of the configs that differ");
  page.table(differences);
  return page.html();
}

}  // namespace rlhf
