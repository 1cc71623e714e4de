// How each metric is shown: under which heading, in which chart, in which unit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/metrics_list.h"
#include "rlhf/report/chart.h"

namespace rlhf {

struct MetricView {
  std::string section;  ///< heading on the page; empty: a counter, which no chart shows
  std::string chart;    ///< related metrics with the same unit share a chart
  std::string unit;     ///< the unit in config/metrics_list.h, with MiB in place of bytes
  std::optional<Better> better;
  double scale = 1;  ///< from the file's unit to `unit`
};

/// The view of a metric of config/metrics_list.h, with or without the prefix eval_. `stage` is the one of run.json; for
/// an unknown stage the first entry of that name is used. Other metrics get a chart each under "Other".
MetricView metric_view(const std::string& name, const std::string& stage = "");

/// Sorts in page order: metrics of one chart are neighbours, eval_ metrics follow those of training, unknown ones are
/// last, by name.
void sort_metrics(std::vector<std::string>& names);

/// The points in the unit of the view.
Curve scaled(const Curve& metric);

}  // namespace rlhf
