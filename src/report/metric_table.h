// The properties of each metric: its place on a page, its unit, and its better direction.
#pragma once

#include <string>
#include <vector>

#include "rlhf/report/chart.h"

namespace rlhf {

enum class Better { neither, lower, higher };

struct MetricInfo {
  std::string section;  ///< heading on the page; empty for a counter, which has no chart
  std::string chart;    ///< related metrics of the same unit share a chart
  std::string unit;
  Better better = Better::neither;
  double scale = 1;  ///< factor from the unit in the file to `unit`
};

/// The properties of a metric of docs/metrics.md, with or without the prefix eval_. Any other name has a separate chart
/// under "Other".
MetricInfo metric_info(const std::string& name);

/// Sorts metrics in the order of the table, each eval_ metric after the metric of the same name, unknown ones last by
/// name.
void sort_metrics(std::vector<std::string>& names);

/// Converts the points to the unit of the table.
Curve scaled(const Curve& metric);

}  // namespace rlhf
