// Reads rankings.
#include "records/ranking.h"

#include <cstddef>
#include <cstdint>

namespace rlhf {

std::vector<RankedPair> pairs_of(const std::vector<double>& ranks) {
  std::vector<RankedPair> pairs;
  for (std::size_t a = 0; a < ranks.size(); ++a)
    for (std::size_t b = a + 1; b < ranks.size(); ++b) {
      if (ranks[a] == ranks[b]) continue;
      const auto first = static_cast<std::int32_t>(a), second = static_cast<std::int32_t>(b);
      pairs.push_back(ranks[a] < ranks[b] ? RankedPair{first, second} : RankedPair{second, first});
    }
  return pairs;
}

RankedTexts read_ranking(const JsonReader& list, const std::string& text_name, const std::string& rank_name) {
  const std::string expected = "a list of 2 to " + std::to_string(kMaxRanked) + " completions";
  const std::size_t size = list.list(expected).size();
  if (size < 2 || size > kMaxRanked) list.fail(expected, "a list of " + std::to_string(size));
  RankedTexts ranked;
  list.for_each_item([&](const JsonReader& item) {
    item.object("an object {\"" + text_name + "\", \"" + rank_name + "\"}");
    ranked.texts.push_back(item.at(text_name).string());
    ranked.ranks.push_back(item.at(rank_name).number("a number (the lowest is the best)"));
  });
  ranked.pairs = pairs_of(ranked.ranks);
  return ranked;
}

}  // namespace rlhf
