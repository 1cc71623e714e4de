// Draws horizontal bars.
#include <algorithm>
#include <cstddef>
#include <string>

#include "rlhf/report/chart.h"

#include "report/scale.h"
#include "report/svg.h"

namespace rlhf {
namespace {

constexpr double kLabel = 18, kBar = 16, kBetween = 3, kAfterRow = 14;
constexpr double kValue = 62;  // space for the value after the longest bar

double row_height(const BarChart& chart) {
  return kLabel + static_cast<double>(chart.series.size()) * (kBar + kBetween) + kAfterRow;
}

std::string bar(const BarChart& chart, std::size_t series, double value, double y) {
  const double width = std::max(1.0, std::clamp(value / chart.full, 0.0, 1.0) * (chart.width - kValue));
  const std::string words = show_number(value) + (chart.unit.empty() ? "" : " " + chart.unit);
  return rectangle("fill c" + std::to_string(series % 6), 0, y, width, kBar) +
         text("start", width + 6, y + kBar - 4, words, "value");
}

std::string row(const BarChart& chart, const BarChart::Row& row, double y) {
  std::string svg = text("start", 0, y + 12, row.label);
  for (std::size_t i = 0; i < row.values.size(); ++i)
    svg += bar(chart, i, row.values[i], y + kLabel + static_cast<double>(i) * (kBar + kBetween));
  return svg;
}

}  // namespace

Drawing draw(const BarChart& chart) {
  Drawing drawing{chart.width, static_cast<double>(chart.rows.size()) * row_height(chart), ""};
  for (std::size_t i = 0; i < chart.rows.size(); ++i)
    drawing.elements += row(chart, chart.rows[i], static_cast<double>(i) * row_height(chart));
  return drawing;
}

}  // namespace rlhf
