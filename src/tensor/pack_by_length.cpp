// Best-fit packing of items into groups.
#include "rlhf/tensor/pack_by_length.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {

std::vector<std::vector<std::size_t>> pack_by_length(std::span<const std::int64_t> lengths, std::int64_t budget) {
  check_argument(budget > 0, "budget", "at least 1", budget);
  for (const std::int64_t length : lengths) check_argument(length >= 0, "lengths", "numbers of at least 0", length);
  std::vector<std::size_t> longest_first(lengths.size());
  std::iota(longest_first.begin(), longest_first.end(), 0);
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });

  std::vector<std::vector<std::size_t>> groups;
  std::set<std::pair<std::int64_t, std::size_t>> room;  // (free tokens, group)
  for (const std::size_t item : longest_first) {
    const auto tightest = room.lower_bound({lengths[item], 0});
    std::int64_t free = budget;
    std::size_t group = groups.size();
    if (tightest == room.end()) {
      groups.emplace_back();
    } else {
      std::tie(free, group) = *tightest;
      room.erase(tightest);
    }
    groups[group].push_back(item);
    room.emplace(free - lengths[item], group);
  }
  return groups;
}

std::vector<Groups> pack_for_ranks(std::span<const std::int64_t> lengths, std::int64_t budget, int size) {
  check_argument(size >= 1, "size", "at least 1", size);
  std::vector<Groups> ranks(static_cast<std::size_t>(size));
  if (size == 1 || lengths.empty()) {
    ranks.front() = pack_by_length(lengths, budget);
    return ranks;
  }
  const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const std::int64_t share = std::max(std::ranges::max(lengths), (total + size - 1) / size);
  Groups groups = pack_by_length(lengths, std::min(budget, std::max<std::int64_t>(1, share)));
  const auto cost = [&](const std::vector<std::size_t>& group) {
    double sum = 0;
    for (const std::size_t item : group) {
      const auto length = static_cast<double>(lengths[item]);
      sum += length + length * length / 4096;
    }
    return sum;
  };
  std::ranges::stable_sort(groups, std::greater<>(), cost);
  std::vector<double> loads(static_cast<std::size_t>(size), 0);
  for (auto& group : groups) {
    const auto least = std::ranges::min_element(loads);
    *least += cost(group);
    ranks[static_cast<std::size_t>(least - loads.begin())].push_back(std::move(group));
  }
  return ranks;
}

}  // namespace rlhf
