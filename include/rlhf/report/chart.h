#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rlhf {

/// One line of a chart: points (x, y) in order of x. A y that is not finite is a gap, marked on the x axis.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// Lines over a common x axis. Curve i has colour i mod 6 and a dash pattern that repeats after 24 curves; an empty
/// curve keeps its place, so that a curve looks the same in several charts.
struct Chart {
  std::string title;
  std::string x_label;
  std::string unit;  ///< of y; empty: none
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
  std::string unit;  ///< behind each value: "%"
  std::vector<std::string> series;
  std::vector<Row> rows;
  double full = 100;  ///< the value of the longest bar possible
  double width = 400;
};

/// SVG elements and the size of the area they fill.
struct Drawing {
  double width = 0, height = 0;
  std::string elements;
};

/// Axes with ticks at 1, 2 or 5 times a power of ten, the unit above, and the curves. A curve of many more points
/// than the drawing has pixels becomes a pale band from the lowest to the highest value of every pixel column and a
/// line of means.
Drawing draw(const Chart& chart);
Drawing draw(const BarChart& chart);
/// Title and legend above the drawing of a chart, for a picture that stands alone.
Drawing draw_with_title(const Chart& chart);
Drawing draw_with_title(const BarChart& chart);

/// The drawings below each other.
Drawing stack(const std::vector<Drawing>& drawings);

enum class Theme { light, dark };

/// The drawing as an `<svg>` element of a page, coloured by the style sheet of HtmlPage.
std::string inline_svg(const Drawing& drawing, const std::string& label);
/// The drawings side by side as an SVG file of its own, with the colours of `theme` and a background.
std::string svg_file(const std::vector<Drawing>& drawings, const std::string& label, Theme theme);

}  // namespace rlhf
