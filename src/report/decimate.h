// Reduces long curves to the points that a drawing of limited width can show.
#pragma once

#include <utility>
#include <vector>

#include "report/scale.h"

namespace rlhf {

using Points = std::vector<std::pair<double, double>>;

/// Returns the points unchanged, or, if there are more than four per unit of the axis, for every column of one unit the
/// first, lowest, highest and last finite point and the first point that is not finite, in order. At this width the
/// drawn line has the same outline.
Points decimated(const Points& points, const Axis& x);

/// The means of the finite points in about 100 equal parts of the axis, each at the middle of its points. A part with a
/// point that is not finite gives one such point.
Points averaged(const Points& points, const Axis& x);

}  // namespace rlhf
