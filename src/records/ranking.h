#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rlhf/json/json_reader.h"
#include "rlhf/records/records.h"

namespace rlhf {

constexpr std::size_t kMaxRanked = 64;  ///< completions of a ranking: 2,016 pairs; bounds the memory of a record

/// Every two indices with different ranks, as a pair; the lower rank is chosen.
std::vector<RankedPair> pairs_of(const std::vector<double>& ranks);

/// A ranking with its pairs.
struct RankedTexts {
  std::vector<std::string> texts;  ///< in the order of the file
  std::vector<double> ranks;
  std::vector<RankedPair> pairs;  ///< every two texts with different ranks; the lower rank is chosen
};

/// Reads a list of 2 to 64 objects {"text": a string, "rank": a number}; `text_name` and `rank_name` are the names of
/// these fields in the file.
RankedTexts read_ranking(const JsonReader& list, const std::string& text_name, const std::string& rank_name);

}  // namespace rlhf
