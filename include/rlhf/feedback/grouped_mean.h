#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rlhf/feedback/interval.h"

namespace rlhf {

/// Values that belong to groups: pairs of the same prompt, say, which do not err independently of each other.
struct GroupedValues {
  std::vector<double> values;        ///< [N], finite
  std::vector<std::int32_t> groups;  ///< [N], at least 0; any order, gaps allowed

  void add(double value, std::int32_t group) {
    values.push_back(value);
    groups.push_back(group);
  }
};

struct Estimate {
  double value = 0;
  std::optional<Interval> interval;  ///< nullopt with one group
};

/// The mean of all values, with the percentile interval of a bootstrap over groups (interval.h). nullopt without
/// values. Errors: ArgumentError.
std::optional<Estimate> grouped_mean(const GroupedValues& values, const BootstrapOptions& options);
/// mean(first) − mean(second), both of the same resampled groups. nullopt if one of them has no values. Errors:
/// ArgumentError.
std::optional<Estimate> grouped_difference(const GroupedValues& first, const GroupedValues& second,
                                           const BootstrapOptions& options);

}  // namespace rlhf
