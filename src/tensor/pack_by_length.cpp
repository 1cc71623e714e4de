// Best-fit packing of items into groups.
#include "rlhf/tensor/pack_by_length.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

using Lengths = std::span<const std::int64_t>;
using Items = Groups::value_type;

template <typename T>
Items sort_largest_first(std::span<const T> sizes) {
  Items items(sizes.size());
  std::iota(items.begin(), items.end(), 0);
  std::ranges::stable_sort(items, std::greater<>(), [&](std::size_t item) { return sizes[item]; });
  return items;
}

}  // namespace

Groups pack_by_length(Lengths lengths, std::int64_t budget) {
  check_argument(budget > 0, "budget", "at least 1", budget);
  for (const std::int64_t length : lengths) check_argument(length >= 0, "lengths", "numbers of at least 0", length);
  Groups groups;
  std::set<std::pair<std::int64_t, std::size_t>> room;  // (free tokens, group)
  for (const std::size_t item : sort_largest_first(lengths)) {
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

std::vector<Groups> pack_for_ranks(Lengths lengths, std::span<const double> costs, std::int64_t budget, int size) {
  check_argument(size >= 1, "size", "at least 1", size);
  check_argument(costs.size() == lengths.size(), "costs", std::to_string(lengths.size()), costs.size());
  std::vector<Items> shares(static_cast<std::size_t>(size));
  std::vector<double> sums(shares.size(), 0);
  for (const std::size_t item : sort_largest_first(costs)) {
    const auto least = std::ranges::min_element(sums);
    *least += costs[item];
    shares[static_cast<std::size_t>(least - sums.begin())].push_back(item);
  }
  std::vector<Groups> ranks;
  for (Items& share : shares) {
    std::ranges::sort(share);
    std::vector<std::int64_t> own;
    for (const std::size_t item : share) own.push_back(lengths[item]);
    ranks.push_back(pack_by_length(own, budget));
    for (Items& group : ranks.back())
      for (std::size_t& item : group) item = share[item];
  }
  return ranks;
}

}  // namespace rlhf
