#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// One line of a chart: points (x, y) in order.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

struct Chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
};

/// One self-contained page (inline SVG, no script, nothing loaded from elsewhere), readable in light and dark.
/// `table` is rows of cells, the first row a header; it may be empty.
std::string html_report(const std::string& title, const std::string& introduction,
                        const std::vector<std::vector<std::string>>& table, const std::vector<Chart>& charts);

}  // namespace rlhf
