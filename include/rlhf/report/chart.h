#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// One line of a chart: points (x, y) in increasing order of x. A y that is not finite is drawn as a gap with a mark on
/// the x axis.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// Curves over a common x axis. Curve i has the colour i mod 6 and a dash pattern that repeats after 24 curves. An
/// empty curve keeps its index, so that a curve looks the same in several charts.
struct Chart {
  std::string title;
  std::string x_label;
  std::string unit;  ///< unit of y; may be empty
  std::vector<Curve> curves;
  double width = 400, height = 224;  ///< in units of the SVG; text is 12 units high
};

/// Horizontal bars: one row of values per label, one bar per series.
struct BarChart {
  struct Row {
    std::string label;
    std::vector<double> values;  ///< one per series, from 0 to `full`
  };
  std::string title;
  std::string unit;  ///< printed after each value: "%"
  std::vector<std::string> series;
  std::vector<Row> rows;
  double full = 100;  ///< the value of a bar of full length
  double width = 400;
};

/// SVG elements and the size of their area.
struct Drawing {
  double width = 0, height = 0;
  std::string elements;
};

/// Draws axes with ticks at 1, 2 or 5 times a power of ten, the unit above them, and the curves. A curve with many more
/// points than pixels is drawn as a pale band from the lowest to the highest value of every pixel column, and a line of
/// means.
Drawing draw(const Chart& chart);
Drawing draw(const BarChart& chart);
/// Draws a chart with title and legend above it, for a separate picture.
Drawing draw_with_title(const Chart& chart);
Drawing draw_with_title(const BarChart& chart);

/// Places drawings below each other.
Drawing stack(const std::vector<Drawing>& drawings);

enum class Theme { light, dark };

/// The drawing as an `<svg>` element of a page, with the colours of HtmlPage's style sheet.
std::string inline_svg(const Drawing& drawing, const std::string& label);
/// The drawings side by side as an SVG file, with the colours of `theme` and a background.
std::string svg_file(const std::vector<Drawing>& drawings, const std::string& label, Theme theme);

}  // namespace rlhf
