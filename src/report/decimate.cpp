// Keeps the visible points of every pixel column.
#include "report/decimate.h"

#include <cmath>
#include <cstddef>
#include <set>

namespace rlhf {
namespace {

// The indices in [begin, end) of the points that represent one column.
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

constexpr double kParts = 100;

// The mean of the points; its y is not finite if one of them is not.
std::pair<double, double> mean_of(const Points& points, std::size_t begin, std::size_t end) {
  double x = 0, y = 0;
  for (std::size_t i = begin; i < end; ++i) {
    x += points[i].first;
    y += points[i].second;
  }
  const auto count = static_cast<double>(end - begin);
  return {x / count, y / count};
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

Points averaged(const Points& points, const Axis& x) {
  const double width = (x.to - x.from) / kParts;
  const auto part = [&](std::size_t i) { return std::floor((x.at(points[i].first) - x.from) / width); };
  Points means;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    while (end < points.size() && part(end) == part(begin)) ++end;
    means.push_back(mean_of(points, begin, end));
  }
  return means;
}

}  // namespace rlhf
