// Keeps of every pixel column the points that the eye would see.
#include "report/decimate.h"

#include <cmath>
#include <cstddef>
#include <set>

namespace rlhf {
namespace {

// The indices in [begin, end) that stand for one column.
std::set<std::size_t> shown_of_column(const Points& points, std::size_t begin, std::size_t end) {
  std::set<std::size_t> shown;
  std::size_t first = end, last = end, lowest = end, highest = end;
  for (std::size_t i = end; i-- > begin;) {
    const double y = points[i].second;
    if (!std::isfinite(y)) {
      shown = {i};
      continue;
    }
    first = i;
    if (last == end) last = i;
    if (lowest == end || y <= points[lowest].second) lowest = i;
    if (highest == end || y >= points[highest].second) highest = i;
  }
  if (first != end) shown.insert({first, lowest, highest, last});
  return shown;
}

}  // namespace

Points decimated(const Points& points, const Axis& x) {
  if (static_cast<double>(points.size()) <= 4 * std::fabs(x.to - x.from)) return points;
  const auto column = [&](std::size_t i) { return std::floor(x.at(points[i].first)); };
  Points kept;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    while (end < points.size() && column(end) == column(begin)) ++end;
    for (const std::size_t i : shown_of_column(points, begin, end)) kept.push_back(points[i]);
  }
  return kept;
}

}  // namespace rlhf
