// What is known about each metric: where its chart is on a page, its unit, and which direction is better.
#pragma once

#include <string>
#include <vector>

#include "rlhf/report/chart.h"

namespace rlhf {

enum class Better { neither, lower, higher };

struct MetricInfo {
  std::string section;  ///< heading on the page; empty: a counter, which no chart shows
  std::string chart;    ///< metrics of one unit that belong together share a chart
  std::string unit;
  Better better = Better::neither;
  double scale = 1;  ///< from the file's unit to `unit`
};

/// For docs/metrics.md's names, with or without the prefix eval_. Another name gets a chart of its own under "Other".
MetricInfo metric_info(const std::string& name);

/// Sorts by the table's order; each eval_ metric behind its twin, unknown ones last by name.
void sort_metrics(std::vector<std::string>& names);

/// The points in the unit of the table.
Curve scaled(const Curve& metric);

}  // namespace rlhf
