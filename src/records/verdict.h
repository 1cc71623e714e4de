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

// The fields of judgments, responses, labels and records that the format defines; all others are `extra`.
inline constexpr FieldList kJudgmentFields = {"annotator", "role",  "choice",  "ranks", "tie",  "both_bad", "scale",
                                              "strength",  "order", "seconds", "tags",  "note", "guideline"};

inline constexpr FieldList kResponseFields = {"id", "text", "messages", "source"};
inline constexpr FieldList kLabelFields = {"chosen", "probability", "weight", "margin", "method", "history"};
inline constexpr FieldList kJudgedFields = {
    "id",     "prompt", "responses",           "domain", "belief", "judgments", "gold", "label",
    "system", "tools",  "chat_template_kwargs"};

/// One element of the list `judgments`.
Judgment read_judgment(const JsonReader& judgment, const std::vector<JudgedResponse>& responses);
/// The checked answer: a response, "tie", "both_bad", or a list of ranks.
Verdict read_gold(const JsonReader& gold, const std::vector<JudgedResponse>& responses);
/// The index of the response that a value names by its id or index.
std::int32_t read_response_name(const JsonReader& value, const std::vector<JudgedResponse>& responses);

/// A number from `low` to `high`; nullopt if there is none.
std::optional<double> number_in(const std::optional<JsonReader>& value, double low, double high);
/// The fields of an object that are not in `known`, but those that are null.
nlohmann::ordered_json rest_of(const JsonReader& object, const FieldList& known);

}  // namespace rlhf
