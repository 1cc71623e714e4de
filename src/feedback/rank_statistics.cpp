// Statistics of ranks: Spearman's correlation, area under the ROC curve.
#include "rlhf/feedback/rank_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"

namespace rlhf {
namespace {

/// The ranks 1 to N of the values; equal values share the mean of their ranks.
std::vector<double> mean_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + 1 + end) / 2;
  }
  return ranks;
}

/// Pearson's correlation; nullopt if one side is constant.
std::optional<double> correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const double count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (xx <= 0 || yy <= 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

struct Columns {
  std::vector<double> x, y;
};

}  // namespace

std::optional<double> spearman(const std::vector<double>& x, const std::vector<double>& y) {
  check_argument(y.size() == x.size(), "y", "as many values as x has", y.size());
  check_finite(x, "x");
  check_finite(y, "y");
  return correlation(mean_ranks(x), mean_ranks(y));
}

std::optional<double> spearman_within(const std::vector<double>& x, const std::vector<double>& y,
                                      const std::vector<std::int32_t>& groups) {
  check_argument(y.size() == x.size(), "y", "as many values as x has", y.size());
  check_argument(groups.size() == x.size(), "groups", "one for each value", groups.size());
  std::map<std::int32_t, Columns> parts;
  for (std::size_t i = 0; i < x.size(); ++i) {
    parts[groups[i]].x.push_back(x[i]);
    parts[groups[i]].y.push_back(y[i]);
  }
  double sum = 0, count = 0;
  for (const auto& [group, columns] : parts) {
    const auto found = spearman(columns.x, columns.y);
    sum += found.value_or(0);
    count += found.has_value();
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

std::optional<double> roc_auc(const std::vector<double>& negatives, const std::vector<double>& positives) {
  check_finite(negatives, "negatives");
  check_finite(positives, "positives");
  if (negatives.empty() || positives.empty()) return std::nullopt;
  std::vector<double> all = positives;
  all.insert(all.end(), negatives.begin(), negatives.end());
  const std::vector<double> ranks = mean_ranks(all);
  const double count = static_cast<double>(positives.size());
  const double sum = std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(positives.size()), 0.0);
  return (sum - count * (count + 1) / 2) / (count * static_cast<double>(negatives.size()));
}

}  // namespace rlhf
