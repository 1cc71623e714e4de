#include "report/svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "report/markup.h"

namespace rlhf {
namespace {

constexpr double kWidth = 720, kHeight = 300;
constexpr double kLeft = 70, kRight = 16, kTop = 12, kBottom = 48;
constexpr std::size_t kColours = 6;

std::string number(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}
std::string pixel(double value) { return number("%.1f", value); }

std::string attribute(const char* name, double value) { return std::string(" ") + name + "=\"" + pixel(value) + "\""; }

// Maps [low, high] of the data to [from, to] in pixels; ticks stand at multiples of `step`.
struct Axis {
  double low = 0, high = 1, step = 0.2;
  double from = 0, to = 1;

  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
  template <typename Draw>
  void for_each_tick(const Draw& draw) const {
    const double first = std::ceil(low / step - 1e-9), last = std::floor(high / step + 1e-9);
    for (double i = first; i <= last; ++i) draw(i == 0 ? 0.0 : i * step);
  }
};

// The round number (1, 2 or 5 times a power of ten) that divides `range` into about five parts; between two of them the
// nearer one by ratio.
double round_step(double range) {
  const double power = std::pow(10.0, std::floor(std::log10(range / 5)));
  const double part = range / 5 / power;
  return power * (part < 1.41 ? 1 : part < 3.16 ? 2 : part < 7.07 ? 5 : 10);
}

bool is_finite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

template <typename Coordinate>
Axis axis_over(const Chart& chart, const Coordinate& coordinate) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Curve& curve : chart.curves) {
    for (const auto& point : curve.points) {
      if (!is_finite(point)) continue;
      low = std::min(low, coordinate(point));
      high = std::max(high, coordinate(point));
    }
  }
  if (low > high) return {};
  if (high - low < 1e-9 * std::max(1.0, std::fabs(high))) {  // flat: make room for one line in the middle
    const double room = low == 0 ? 1 : std::fabs(low) * 0.5;
    low -= room;
    high += room;
  }
  return {.low = low, .high = high, .step = round_step(high - low)};
}

Axis x_axis(const Chart& chart) {
  Axis axis = axis_over(chart, [](const auto& point) { return point.first; });
  axis.from = kLeft;
  axis.to = kWidth - kRight;
  return axis;
}

Axis y_axis(const Chart& chart) {
  Axis axis = axis_over(chart, [](const auto& point) { return point.second; });
  axis.low = std::floor(axis.low / axis.step + 1e-9) * axis.step;
  axis.high = std::ceil(axis.high / axis.step - 1e-9) * axis.step;
  axis.from = kHeight - kBottom;
  axis.to = kTop;
  return axis;
}

std::string line(const char* classes, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + classes + "\"" + attribute("x1", x1) + attribute("y1", y1) +
         attribute("x2", x2) + attribute("y2", y2) + "/>\n";
}

std::string text(const char* anchor, double x, double y, const std::string& words, const std::string& more = "") {
  return std::string("<text text-anchor=\"") + anchor + "\"" + attribute("x", x) + attribute("y", y) + more + ">" +
         escape_markup(words) + "</text>\n";
}

std::string frame(const Chart& chart, const Axis& x, const Axis& y) {
  std::string svg;
  y.for_each_tick([&](double value) {
    svg += line("grid", x.from, y.at(value), x.to, y.at(value));
    svg += text("end", x.from - 8, y.at(value) + 4, number("%.6g", value));
  });
  x.for_each_tick([&](double value) {
    svg += line("axis", x.at(value), y.from, x.at(value), y.from + 5);
    svg += text("middle", x.at(value), y.from + 19, number("%.6g", value));
  });
  svg += line("axis", x.from, y.from, x.to, y.from) + line("axis", x.from, y.from, x.from, y.to);
  svg += text("middle", (x.from + x.to) / 2, kHeight - 8, chart.x_label);
  const double middle = (y.from + y.to) / 2;
  return svg + text("middle", 14, middle, chart.y_label, " transform=\"rotate(-90 14 " + pixel(middle) + ")\"");
}

// The curve as a path that is lifted over gaps, and a dot on its last point.
std::string draw_curve(const Curve& curve, const std::string& classes, const Axis& x, const Axis& y) {
  std::string path, dot;
  bool drawing = false;
  for (const auto& point : curve.points) {
    if (!is_finite(point)) {
      drawing = false;
      continue;
    }
    path += (drawing ? "L" : "M") + pixel(x.at(point.first)) + " " + pixel(y.at(point.second));
    drawing = true;
    dot = "<circle class=\"" + classes + "\"" + attribute("cx", x.at(point.first)) +
          attribute("cy", y.at(point.second)) + " r=\"3\"><title>" + escape_markup(curve.name) + ": " +
          number("%.6g", point.second) + " at " + number("%.6g", point.first) + "</title></circle>\n";
  }
  if (path.empty()) return "";
  return "<path class=\"" + classes + "\" d=\"" + path + "\"><title>" + escape_markup(curve.name) +
         "</title></path>\n" + dot;
}

}  // namespace

std::string curve_classes(std::size_t index) {
  return "c" + std::to_string(index % kColours) + (index / kColours % 2 == 1 ? " dashed" : "");
}

std::string svg_chart(const Chart& chart) {
  const Axis x = x_axis(chart), y = y_axis(chart);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number("%g", kWidth) + " " +
                    number("%g", kHeight) + "\" role=\"img\" aria-label=\"" + escape_markup(chart.title) + "\">\n";
  svg += frame(chart, x, y);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) svg += draw_curve(chart.curves[i], curve_classes(i), x, y);
  return svg + "</svg>\n";
}

}  // namespace rlhf
