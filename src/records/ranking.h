#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/records/records.h"

namespace rlhf {

struct RankedTexts {
  std::vector<std::string> texts;  ///< in the order of the file
  std::vector<RankedPair> pairs;   ///< every two texts whose ranks differ, the lower rank the better
};

/// A list of 2 to 64 objects {"text": a string, "rank": a number}, by these names. `where` is "file:line: field".
/// Throws BadRecord.
RankedTexts read_ranking(const nlohmann::ordered_json& value, const std::string& text_name,
                         const std::string& rank_name, const std::string& where);

}  // namespace rlhf
