// Lines, rectangles and texts as SVG elements.
#include "report/svg.h"

#include <array>
#include <cstdio>

#include "report/markup.h"

namespace rlhf {
namespace {

constexpr std::size_t kColours = 6, kDashes = 4;
constexpr double kCharacterWidth = 6.5;

}  // namespace

std::string coordinate(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  std::string digits = text.data();
  if (digits.ends_with(".0")) digits.resize(digits.size() - 2);
  return digits == "-0" ? "0" : digits;
}

std::string attribute(std::string_view name, double value) {
  return std::string(" ").append(name).append("=\"").append(coordinate(value)).append("\"");
}

std::string line(std::string_view classes, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"").append(classes) + "\"" + attribute("x1", x1) + attribute("y1", y1) +
         attribute("x2", x2) + attribute("y2", y2) + "/>\n";
}

std::string rectangle(std::string_view classes, double x, double y, double width, double height) {
  return std::string("<rect class=\"").append(classes) + "\"" + attribute("x", x) + attribute("y", y) +
         attribute("width", width) + attribute("height", height) + " rx=\"2\"/>\n";
}

std::string text(std::string_view anchor, double x, double y, const std::string& words, std::string_view classes) {
  const std::string style = classes.empty() ? "" : std::string(" class=\"").append(classes) + "\"";
  return std::string("<text text-anchor=\"").append(anchor) + "\"" + style + attribute("x", x) + attribute("y", y) +
         ">" + escape_markup(words) + "</text>\n";
}

std::string moved(double x, double y, const std::string& elements) {
  return "<g transform=\"translate(" + coordinate(x) + " " + coordinate(y) + ")\">\n" + elements + "</g>\n";
}

double text_width(std::string_view words) { return kCharacterWidth * static_cast<double>(words.size()); }

std::string curve_classes(std::size_t index) {
  const std::size_t dash = (index + index / (kColours * 2)) % kDashes;
  return "c" + std::to_string(index % kColours) + " d" + std::to_string(dash);
}

std::string curve_sample(std::size_t index) { return "<path class=\"" + curve_classes(index) + "\" d=\"M0 6H24\"/>"; }

}  // namespace rlhf
