// The shapes of charts as SVG elements. Colours come from classes (theme.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// A coordinate as text, with at most one decimal.
std::string coordinate(double value);
/// ` name="12.5"`
std::string attribute(std::string_view name, double value);

std::string line(std::string_view classes, double x1, double y1, double x2, double y2);
std::string rectangle(std::string_view classes, double x, double y, double width, double height);
/// A text; `anchor` is start, middle or end.
std::string text(std::string_view anchor, double x, double y, const std::string& words, std::string_view classes = "");
/// Moves the elements inside.
std::string moved(double x, double y, const std::string& elements);
/// An upper estimate of the width of a text of size 12 in a common sans-serif font.
double text_width(std::string_view words);

/// The classes of curve number `index`: its colour (c0 … c5) and its dash pattern (d0 … d3).
std::string curve_classes(std::size_t index);
/// A short sample of the curve for a legend, 24 by 12.
std::string curve_sample(std::size_t index);

}  // namespace rlhf
