#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/feedback/votes.h"

#include "support/read_golden.h"

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

/// One list of a golden file of this room, which has entries.
inline nlohmann::json golden_list(const std::string& file, const std::string& name) {
  nlohmann::json list = read_golden("feedback/" + file + ".json").at(name);
  EXPECT_FALSE(list.empty()) << file << " " << name;
  return list;
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

inline void append_numbers(const nlohmann::json& nested, std::vector<double>& numbers) {
  if (nested.is_number()) {
    numbers.push_back(nested);
    return;
  }
  for (const auto& inner : nested) append_numbers(inner, numbers);
}

/// Expects the numbers of a golden file: a list, or lists of lists in row-major order.
inline void expect_numbers(const std::vector<double>& found, const nlohmann::json& expected, double tolerance) {
  std::vector<double> numbers;
  append_numbers(expected, numbers);
  ASSERT_EQ(found.size(), numbers.size());
  for (std::size_t j = 0; j < found.size(); ++j) EXPECT_NEAR(found[j], numbers[j], tolerance) << "at " << j;
}

}  // namespace rlhf::testing
