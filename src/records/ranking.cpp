// Reads rankings.
#include "records/ranking.h"

#include <cstddef>
#include <cstdint>

#include "rlhf/records/jsonl.h"

#include "records/strict_json.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxTexts = 64;  // 2,016 pairs; bounds the memory of a record

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

}  // namespace

RankedTexts read_ranking(const Json& value, const std::string& text_name, const std::string& rank_name,
                         const std::string& where) {
  if (!value.is_array() || value.size() < 2 || value.size() > kMaxTexts)
    throw BadRecord(where + ": expected a list of 2 to " + std::to_string(kMaxTexts) + " completions, found " +
                    (value.is_array() ? "a list of " + std::to_string(value.size()) : describe_value(value)));
  RankedTexts ranked;
  std::vector<double> ranks;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (!value[i].is_object())
      throw BadRecord(at + ": expected an object {\"" + text_name + "\", \"" + rank_name + "\"}, found " +
                      describe_value(value[i]));
    ranked.texts.push_back(expect_member(value[i], text_name, &Json::is_string, "a string", at));
    ranks.push_back(expect_member(value[i], rank_name, &Json::is_number, "a number (the lowest is the best)", at));
  }
  ranked.pairs = pairs_of(ranks);
  return ranked;
}

}  // namespace rlhf
