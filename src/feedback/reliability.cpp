// Groups of about equal size, and the calibration of a model in them.
#include "rlhf/feedback/reliability.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

/// The quantiles 1/bins, …, (bins − 1)/bins: quantile q of n sorted values is at position q·(n − 1), which is a whole
/// number where it is one.
std::vector<double> inner_quantiles(std::vector<double> values, std::int64_t bins) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<std::int64_t>(values.size()) - 1;
  std::vector<double> edges;
  for (std::int64_t k = 1; k < bins; ++k) {
    const std::int64_t below = k * last / bins, rest = k * last % bins;
    const double next = values[static_cast<std::size_t>(std::min(below + 1, last))];
    edges.push_back(std::lerp(values[static_cast<std::size_t>(below)], next,
                              static_cast<double>(rest) / static_cast<double>(bins)));
  }
  return edges;
}

}  // namespace

std::vector<std::vector<std::size_t>> quantile_groups(const std::vector<double>& values, int bins) {
  check_argument(!values.empty(), "values", "at least one", "none");
  check_argument(bins >= 1, "bins", "at least 1", bins);
  check_finite(values, "values");
  const std::vector<double> edges = inner_quantiles(values, bins);
  std::vector<std::vector<std::size_t>> groups(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto edges_below = std::lower_bound(edges.begin(), edges.end(), values[i]) - edges.begin();
    groups[static_cast<std::size_t>(edges_below)].push_back(i);
  }
  std::erase_if(groups, [](const auto& group) { return group.empty(); });
  return groups;
}

std::vector<ReliabilityBin> reliability_diagram(const ScoredPairs& pairs, int bins) {
  const std::vector<double> hits = pair_hits(pairs);
  std::vector<double> confidence;
  for (const double margin : pairs.margins) confidence.push_back(sigmoid(std::abs(margin)));
  std::vector<ReliabilityBin> diagram;
  for (const auto& group : quantile_groups(confidence, bins)) {
    ReliabilityBin bin{.pairs = group.size()};
    for (const std::size_t i : group) {
      bin.confidence += confidence[i] / static_cast<double>(group.size());
      bin.accuracy += hits[i] / static_cast<double>(group.size());
    }
    diagram.push_back(bin);
  }
  return diagram;
}

double expected_calibration_error(const std::vector<ReliabilityBin>& diagram) {
  double pairs = 0, error = 0;
  for (const ReliabilityBin& bin : diagram) {
    pairs += static_cast<double>(bin.pairs);
    error += static_cast<double>(bin.pairs) * std::abs(bin.confidence - bin.accuracy);
  }
  check_argument(pairs > 0, "diagram", "at least one pair", "none");
  return error / pairs;
}

}  // namespace rlhf
