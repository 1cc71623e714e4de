// Means over groups, with bootstrap intervals over these groups.
#include "rlhf/feedback/grouped_mean.h"

#include <cstddef>
#include <map>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"

namespace rlhf {
namespace {

/// All that a mean needs of the values of a group.
struct Sum {
  double sum = 0, count = 0;

  void add(double value) {
    sum += value;
    ++count;
  }
  void add(const Sum& other) {
    sum += other.sum;
    count += other.count;
  }
  std::optional<double> mean() const { return count > 0 ? std::optional(sum / count) : std::nullopt; }
};

/// The two sides of a difference in one group.
struct GroupSums {
  Sum first, second;

  void add(const GroupSums& other) {
    first.add(other.first);
    second.add(other.second);
  }
};

void check_values(const GroupedValues& values) {
  check_argument(values.groups.size() == values.values.size(), "groups", "one for each value", values.groups.size());
  check_finite(values.values, "values");
  for (const std::int32_t group : values.groups) check_argument(group >= 0, "groups", "at least 0", group);
}

std::vector<GroupSums> sums_by_group(const GroupedValues& first, const GroupedValues& second) {
  std::map<std::int32_t, GroupSums> sums;
  for (std::size_t i = 0; i < first.values.size(); ++i) sums[first.groups[i]].first.add(first.values[i]);
  for (std::size_t i = 0; i < second.values.size(); ++i) sums[second.groups[i]].second.add(second.values[i]);
  std::vector<GroupSums> list;
  for (const auto& [group, sum] : sums) list.push_back(sum);
  return list;
}

std::optional<double> mean_of_first(const GroupSums& sums) { return sums.first.mean(); }

std::optional<double> difference_of_means(const GroupSums& sums) {
  const auto first = sums.first.mean(), second = sums.second.mean();
  return first && second ? std::optional(*first - *second) : std::nullopt;
}

/// `statistic` of the sum of all groups, with its interval.
std::optional<Estimate> estimate(const std::vector<GroupSums>& groups, const BootstrapOptions& options,
                                 std::optional<double> (*statistic)(const GroupSums&)) {
  GroupSums all;
  for (const GroupSums& group : groups) all.add(group);
  const auto value = statistic(all);
  if (!value) return std::nullopt;
  if (groups.size() == 1) return Estimate{*value, std::nullopt};
  return Estimate{*value, bootstrap_interval(groups.size(), options, [&](const std::vector<std::size_t>& drawn) {
                    GroupSums sums;
                    for (const std::size_t group : drawn) sums.add(groups[group]);
                    return statistic(sums);
                  })};
}

}  // namespace

std::optional<Estimate> grouped_mean(const GroupedValues& values, const BootstrapOptions& options) {
  check_values(values);
  return estimate(sums_by_group(values, {}), options, mean_of_first);
}

std::optional<Estimate> grouped_difference(const GroupedValues& first, const GroupedValues& second,
                                           const BootstrapOptions& options) {
  check_values(first);
  check_values(second);
  return estimate(sums_by_group(first, second), options, difference_of_means);
}

}  // namespace rlhf
