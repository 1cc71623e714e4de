// Draws curves over an x axis.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "rlhf/report/chart.h"

#include "report/decimate.h"
#include "report/markup.h"
#include "report/scale.h"
#include "report/svg.h"

namespace rlhf {
namespace {

constexpr double kLeft = 48, kRight = 18, kTop = 26, kBottom = 36;
constexpr double kXParts = 5, kYParts = 4;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

struct Axes {
  Axis x, y;
};

// The axes: x over all points, y over the points that are drawn.
Axes axes_of(const Chart& chart) {
  Range xs, ys;
  for (const Curve& curve : chart.curves) {
    for (const auto& [x, y] : curve.points) {
      if (!std::isfinite(x)) continue;
      xs.add(x);
      if (std::isfinite(y)) ys.add(y);
    }
  }
  Axes axes;
  if (!xs.empty()) axes.x = axis_over(xs.low, xs.high, kXParts);
  if (!ys.empty()) axes.y = axis_to_ticks(ys.low, ys.high, kYParts);
  if (axes.x.high - axes.x.low >= 1) axes.x.step = std::max(axes.x.step, 1.0);  // steps are whole numbers
  axes.x.from = kLeft;
  axes.x.to = chart.width - kRight;
  axes.y.from = chart.height - kBottom;
  axes.y.to = kTop;
  return axes;
}

// The attributes that page_script needs to convert positions to values.
std::string ranges(const Chart& chart, const Axes& axes) {
  std::string numbers;
  for (const Axis* axis : {&axes.x, &axes.y})
    for (const double number : {axis->low, axis->high, axis->from, axis->to})
      numbers += (numbers.empty() ? "" : " ") + exact(number);
  return element("g", "",
                 "class=\"axes\" data-x=\"" + escape_markup(chart.x_label) + "\" data-ranges=\"" + numbers + "\"") +
         "\n";
}

std::string frame(const Chart& chart, const Axes& axes) {
  const auto& [x, y] = axes;
  std::string svg = ranges(chart, axes);
  const auto y_labels = tick_labels(y), x_labels = tick_labels(x);
  for (std::size_t i = 0; i < y_labels.size(); ++i) {
    const double at = y.at(y.ticks()[i]);
    svg += line("grid", x.from, at, x.to, at) + text("end", x.from - 6, at + 4, y_labels[i]);
  }
  for (std::size_t i = 0; i < x_labels.size(); ++i) {
    const double at = x.at(x.ticks()[i]);
    svg += line("axis", at, y.from, at, y.from + 4) + text("middle", at, y.from + 17, x_labels[i]);
  }
  svg += line("axis", x.from, y.from, x.to, y.from);
  svg += text("end", x.to, chart.height - 4, chart.x_label);
  return svg + (chart.unit.empty() ? "" : text("start", 0, 12, chart.unit));
}

// A path with gaps. A point between two gaps is a line of length 0, which round line ends show as a dot.
std::string path_data(const Points& points, const Axes& axes) {
  std::string data;
  std::size_t drawn = 0;  // points since the last gap
  const auto end_piece = [&] {
    if (drawn == 1) data += "h0";
    drawn = 0;
  };
  for (const auto& [x, y] : points) {
    if (!std::isfinite(x) || !std::isfinite(y)) {
      end_piece();
      continue;
    }
    data += (drawn++ == 0 ? "M" : " ") + coordinate(axes.x.at(x)) + " " + coordinate(axes.y.at(y));
  }
  end_piece();
  return data;
}

// A dot at the last point, whose title has the value.
std::string last_dot(const Curve& curve, std::size_t index, const Axes& axes) {
  const auto is_drawn = [](const auto& point) { return std::isfinite(point.first) && std::isfinite(point.second); };
  const auto last = std::find_if(curve.points.rbegin(), curve.points.rend(), is_drawn);
  if (last == curve.points.rend()) return "";
  const std::string title = curve.name + ": " + show_number(last->second) + " at " + show_number(last->first);
  return "<circle class=\"" + curve_classes(index) + "\"" + attribute("cx", axes.x.at(last->first)) +
         attribute("cy", axes.y.at(last->second)) + " r=\"3\">" + element("title", escape_markup(title)) +
         "</circle>\n";
}

// Crosses on the x axis where values are not finite; adjacent values share one.
std::string gap_marks(const Curve& curve, const Points& points, const Axes& axes) {
  constexpr double kApart = 8;
  std::string svg;
  double last = -kApart;
  for (const auto& [x, y] : points) {
    if (!std::isfinite(x) || std::isfinite(y) || axes.x.at(x) - last < kApart) continue;
    last = axes.x.at(x);
    svg += "<path class=\"gap\" d=\"M" + coordinate(last - 3) + " " + coordinate(axes.y.from - 3) +
           "l6 6m0 -6l-6 6\">" + element("title", escape_markup(curve.name + " is not finite at " + show_number(x))) +
           "</path>\n";
  }
  return svg;
}

std::string path(const Curve& curve, const Points& points, const std::string& classes, const Axes& axes) {
  const std::string data = path_data(points, axes);
  if (data.empty()) return "";
  const std::string title = element("title", escape_markup(curve.name));
  return element("path", title, "class=\"" + classes + "\" d=\"" + data + "\"") + "\n";
}

// Draws a curve with more points than pixels as a pale range and a line of means.
std::string draw_curve(const Curve& curve, std::size_t index, const Axes& axes) {
  const Points points = decimated(curve.points, axes.x);
  const bool is_reduced = points.size() < curve.points.size();
  std::string svg = path(curve, points, curve_classes(index) + (is_reduced ? " range" : ""), axes);
  if (is_reduced) svg += path(curve, averaged(curve.points, axes.x), curve_classes(index), axes);
  return svg + gap_marks(curve, points, axes) + last_dot(curve, index, axes);
}

}  // namespace

Drawing draw(const Chart& chart) {
  const Axes axes = axes_of(chart);
  Drawing drawing{chart.width, chart.height, frame(chart, axes)};
  for (std::size_t i = 0; i < chart.curves.size(); ++i) drawing.elements += draw_curve(chart.curves[i], i, axes);
  return drawing;
}

}  // namespace rlhf
