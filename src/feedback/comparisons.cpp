// Contradictions and duplicates among comparisons.
#include "rlhf/feedback/comparisons.h"

#include <algorithm>
#include <map>
#include <utility>

#include "feedback/check_comparisons.h"

namespace rlhf {

std::vector<Contradiction> find_contradictions(const std::vector<Comparison>& comparisons) {
  check_comparisons(comparisons);
  std::map<std::pair<std::int32_t, std::int32_t>, Contradiction> pairs;
  for (const auto& [better, worse] : comparisons) {
    const auto [first, second] = std::minmax(better, worse);
    Contradiction& pair = pairs.try_emplace({first, second}, Contradiction{first, second}).first->second;
    ++(better == first ? pair.first_better : pair.second_better);
  }
  std::vector<Contradiction> found;
  for (const auto& [key, pair] : pairs)
    if (pair.first_better > 0 && pair.second_better > 0) found.push_back(pair);
  return found;
}

DuplicateItems find_duplicates(const std::vector<CompletionPair>& items) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::vector<std::int32_t>> groups;
  DuplicateItems found;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [first, second] = std::minmax(items[i].first, items[i].second);
    check_argument(first >= 0, "items", "completions numbered from 0", first);
    groups[{first, second}].push_back(static_cast<std::int32_t>(i));
    if (first == second) found.same_completion.push_back(static_cast<std::int32_t>(i));
  }
  for (auto& [key, group] : groups)
    if (group.size() >= 2) found.same_pair.push_back(std::move(group));
  return found;
}

}  // namespace rlhf
