#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/feedback/votes.h"

namespace rlhf::testing {

/// One row per item, one column per annotator; kNone where there is no vote.
inline constexpr std::int32_t kNone = -1;
inline Votes votes_of(const std::vector<std::vector<std::int32_t>>& rows, std::int32_t choices) {
  Votes votes{static_cast<std::int32_t>(rows.size()), static_cast<std::int32_t>(rows.at(0).size()), choices, {}};
  for (std::int32_t item = 0; item < votes.items; ++item)
    for (std::int32_t annotator = 0; annotator < votes.annotators; ++annotator)
      if (rows[item].at(annotator) != kNone) votes.list.push_back({item, annotator, rows[item][annotator]});
  return votes;
}

/// The votes of a case of a golden file.
inline Votes votes_of(const nlohmann::json& golden) {
  Votes votes{golden["items"], golden["annotators"], golden["choices"], {}};
  for (const auto& vote : golden["votes"]) votes.list.push_back({vote[0], vote[1], vote[2]});
  return votes;
}

/// Expects the number of a golden file, or nullopt where it has null.
inline void expect_number(const std::optional<double>& found, const nlohmann::json& expected, double tolerance) {
  ASSERT_EQ(found.has_value(), !expected.is_null());
  if (!found) return;
  EXPECT_NEAR(*found, expected.get<double>(), tolerance);
}

}  // namespace rlhf::testing
