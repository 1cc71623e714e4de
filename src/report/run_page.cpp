// The page of one run.
#include "report/run_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "rlhf/config/stage.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/report/run_report.h"

#include "report/metric_table.h"
#include "report/scale.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

// The most important values of a run, for every stage.
constexpr const char* kHeadline[] = {"objective/scores",
                                     "eval_objective/scores",
                                     "objective/kl",
                                     "rollout/response_length",
                                     "loss",
                                     "eval_loss",
                                     "mean_token_accuracy",
                                     "accuracy",
                                     "eval_accuracy",
                                     "perf/tokens_per_second",
                                     "perf/peak_memory_bytes"};

HtmlPage::Figure headline(const RunData& run, const Curve& metric) {
  const Curve curve = scaled(metric);
  const std::string unit = metric_view(metric.name, run.stage).unit;
  const std::string first = curve.points.size() > 1 ? "first " + show_number(curve.points.front().second) : "";
  return {metric.name, show_number(curve.points.back().second),
          unit + (unit.empty() || first.empty() ? "" : ", ") + first};
}

std::vector<HtmlPage::Figure> headlines(const RunData& run) {
  std::vector<HtmlPage::Figure> figures;
  for (const char* name : kHeadline)
    if (const Curve* metric = find_metric(run, name)) figures.push_back(headline(run, *metric));
  return figures;
}

std::string steps_of(const RunData& run) {
  const std::string done = std::to_string(run.last_step);
  return run.total_steps < 0 ? done : done + " of " + std::to_string(run.total_steps);
}

// The last value of a counter, with its unit.
std::string counted(const RunData& run, const char* name) {
  const Curve* counter = find_metric(run, name);
  return counter ? show_number(counter->points.back().second) + " " + metric_view(name, run.stage).unit : "";
}

HtmlPage::Terms facts(const RunData& run) {
  const HtmlPage::Terms all = {
      {"Program", tool_of(run) + (run.version.empty() ? "" : " " + run.version)},
      {"Folder", run.folder.string()},
      {"Steps", steps_of(run)},
      {"Seen", counted(run, find_metric(run, "episode") ? "episode" : "num_tokens")},
      {"Started", run.log.first_time},
      {"Last log line",
       run.log.last_time + (run.log.first_time.empty() ? "" : ", after " + duration(run.log.seconds))}};
  HtmlPage::Terms known;
  for (const auto& fact : all)
    if (!fact.second.empty()) known.push_back(fact);
  return known;
}

void add_charts(HtmlPage& page, const RunData& run) {
  std::vector<std::string> names;
  for (const Curve& metric : run.metrics)
    if (!metric_view(metric.name).section.empty()) names.push_back(metric.name);
  sort_metrics(names);
  std::string section;
  std::vector<Chart> charts;
  for (const std::string& name : names) {
    const MetricView view = metric_view(name, run.stage);
    if (view.section != section) {
      page.charts(charts);
      charts.clear();
      page.heading(section = view.section);
    }
    if (charts.empty() || charts.back().title != view.chart)
      charts.push_back({.title = view.chart, .x_label = step_label(run), .unit = view.unit});
    charts.back().curves.push_back(scaled(*find_metric(run, name)));
  }
  page.charts(charts);
}

void add_samples(HtmlPage& page, const RunData& run) {
  if (run.samples.empty()) return;
  page.heading("Samples over time");
  std::vector<HtmlPage::Sample> shown;
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const RunSample& sample = run.samples[i];
    shown.push_back({sample.prompt, sample.response, sample.facts});
    if (i + 1 < run.samples.size() && run.samples[i + 1].step == sample.step) continue;
    page.subheading("After " + step_label(run) + " " + std::to_string(sample.step));
    page.samples(shown);
    shown.clear();
  }
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string page_of(const RunData& run, bool has_ended) {
  HtmlPage page(tool_of(run) + (tool_of(run).empty() ? "" : ": ") + run.name);
  page.badge(state_of(run, has_ended), run.finished ? "good" : "warn");
  page.figures(headlines(run));
  page.terms(facts(run));
  if (!run.plan.empty()) page.heading("Plan and data");
  page.terms(run.plan);
  if (!run.log.warnings.empty()) page.heading("Warnings");
  if (!run.log.warnings.empty()) page.preformatted(joined(run.log.warnings));
  add_charts(page, run);
  add_samples(page, run);
  if (!run.files.empty()) page.heading("Checkpoints and results");
  if (!run.files.empty()) page.preformatted(joined(run.files));
  if (!run.config.empty()) page.heading("Config");
  if (!run.config.empty()) page.folded("config.yaml", run.config);
  return page.html();
}

}  // namespace

std::string state_of(const RunData& run, bool has_ended) {
  if (run.finished) return "finished";
  return (has_ended ? "stopped at step " : "not finished: step ") + steps_of(run);
}

std::string tool_of(const RunData& run) {
  const std::string tool = "rlhf-" + run.stage;
  const bool is_ours = std::ranges::any_of(kStages, [&](Stage stage) { return tool == tool_of(stage); });
  return is_ours ? tool : run.stage;
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(std::llround(seconds));
  std::array<char, 48> text{};
  if (whole >= 3600)
    std::snprintf(text.data(), text.size(), "%ldh%02ldm", whole / 3600, whole / 60 % 60);
  else if (whole >= 60)
    std::snprintf(text.data(), text.size(), "%ldm%02lds", whole / 60, whole % 60);
  else
    std::snprintf(text.data(), text.size(), "%ld s", whole);
  return text.data();
}

std::string step_label(const RunData& run) { return find_metric(run, "episode") ? "rollout" : "step"; }

void write_report(const fs::path& run_folder) {
  write_file_atomically(run_folder / "report.html", page_of(read_run(run_folder), /*has_ended=*/true));
}

std::string run_page(const fs::path& run_folder) {
  check_is_run(run_folder);
  return page_of(read_run(run_folder), /*has_ended=*/false);
}

}  // namespace rlhf
