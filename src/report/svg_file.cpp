// Drawings as elements of a page and as separate files.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "rlhf/report/chart.h"

#include "report/markup.h"
#include "report/svg.h"
#include "report/theme.h"

namespace rlhf {
namespace {

constexpr double kTitle = 26, kLegend = 20;
constexpr double kMargin = 20, kGap = 36, kStackGap = 20;

// A legend in one row: samples and names of the curves.
std::string legend(const std::vector<std::string>& names, bool bars) {
  std::string svg;
  double x = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string sample =
        bars ? rectangle("fill c" + std::to_string(i % 6), 0, 0, 12, 12) : curve_sample(i) + "\n";
    const double room = bars ? 18 : 30;
    svg += moved(x, 0, sample + text("start", room, 10, names[i]));
    x += room + text_width(names[i]) + 12;
  }
  return svg;
}

Drawing with_title(const std::string& title, const std::vector<std::string>& names, bool bars, const Drawing& chart) {
  const double head = kTitle + (names.size() > 1 ? kLegend : 0) + 6;
  std::string svg = text("start", 0, 14, title, "title");
  if (names.size() > 1) svg += moved(0, kTitle, legend(names, bars));
  return {chart.width, chart.height + head, svg + moved(0, head, chart.elements)};
}

std::string opening_tag(double width, double height, const std::string& label) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
         "\" role=\"img\" aria-label=\"" + escape_markup(label) + "\"";
}

}  // namespace

Drawing draw_with_title(const Chart& chart) {
  std::vector<std::string> names;
  for (const Curve& curve : chart.curves) names.push_back(curve.name);
  return with_title(chart.title, names, false, draw(chart));
}

Drawing draw_with_title(const BarChart& chart) { return with_title(chart.title, chart.series, true, draw(chart)); }

Drawing stack(const std::vector<Drawing>& drawings) {
  Drawing all;
  for (const Drawing& drawing : drawings) {
    if (all.height > 0) all.height += kStackGap;
    all.elements += moved(0, all.height, drawing.elements);
    all.height += drawing.height;
    all.width = std::max(all.width, drawing.width);
  }
  return all;
}

std::string inline_svg(const Drawing& drawing, const std::string& label) {
  return opening_tag(drawing.width, drawing.height, label) + ">\n" + drawing.elements + "</svg>\n";
}

std::string svg_file(const std::vector<Drawing>& drawings, const std::string& label, Theme theme) {
  double x = kMargin, height = 0;
  std::string inside;
  for (const Drawing& drawing : drawings) {
    inside += moved(x, kMargin, drawing.elements);
    x += drawing.width + kGap;
    height = std::max(height, drawing.height + 2 * kMargin);
  }
  const double width = x - kGap + kMargin;
  return opening_tag(width, height, label) + attribute("width", width) + attribute("height", height) +
         " font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\">\n<style>" + shape_rules(theme) +
         "</style>\n" + rectangle("page", 0, 0, width, height) + inside + "</svg>\n";
}

}  // namespace rlhf
