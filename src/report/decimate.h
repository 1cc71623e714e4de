// Long curves as what a drawing of limited width can show.
#pragma once

#include <utility>
#include <vector>

#include "report/scale.h"

namespace rlhf {

using Points = std::vector<std::pair<double, double>>;

/// The points as they are or, where there are more than four per unit of the axis, of every unit-wide column the first,
/// the lowest, the highest and the last finite one and the first that is not finite, in their order: at this width the
/// drawn line has the same outline.
Points decimated(const Points& points, const Axis& x);

/// The means of the finite points in about 100 equal parts of the axis, each at the middle of its points; a part with a
/// point that is not finite gives one such point.
Points averaged(const Points& points, const Axis& x);

}  // namespace rlhf
