#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/record_formats.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

// Readers of what annotators said about `responses`. All throw BadRecord.

/// Fields of a judgment that are not `extra`.
inline constexpr FieldList kJudgmentFields = {"annotator", "role",  "choice",  "ranks", "tie",  "both_bad", "scale",
                                              "strength",  "order", "seconds", "tags",  "note", "guideline"};

/// One element of the list `judgments`.
Judgment read_judgment(const JsonReader& judgment, const std::vector<JudgedResponse>& responses);
/// The checked answer: a response, "tie", "both_bad", or a list of ranks.
Verdict read_gold(const JsonReader& gold, const std::vector<JudgedResponse>& responses);
/// The index of the response that a value names by its id or index.
std::int32_t read_response_name(const JsonReader& value, const std::vector<JudgedResponse>& responses);

/// The number of a key, from `low` to `high`; nullopt if there is none.
std::optional<double> number_in(const JsonReader& object, std::string_view key, double low, double high);
/// The fields of an object that are not in `known`, but those that are null.
nlohmann::ordered_json rest_of(const JsonReader& object, const FieldList& known);

}  // namespace rlhf
