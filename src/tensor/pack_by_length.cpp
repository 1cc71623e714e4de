// Best-fit packing of items into groups.
#include "rlhf/tensor/pack_by_length.h"

#include <algorithm>
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

}  // namespace rlhf
