#pragma once

#include <string>

#include "rlhf/report/html_report.h"

namespace rlhf {

/// The chart as a `<svg>` element whose classes the page's style sheet colours: c0 … c5 for the curves in turn,
/// `dashed` from the seventh on. Points that are not finite are gaps.
std::string svg_chart(const Chart& chart);

/// The classes of curve number `index`, for its legend.
std::string curve_classes(std::size_t index);

}  // namespace rlhf
