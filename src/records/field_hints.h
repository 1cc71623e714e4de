#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "records/record_format.h"

namespace rlhf {

/// The renaming with which a record would have one of the formats, "{prompt: question, completion: answer}", from a
/// list of names that are common in published data; nullopt if there is none.
std::optional<std::string> suggested_fields(const nlohmann::ordered_json& record, const FieldNames& names,
                                            const std::vector<RecordFormat>& formats);

/// The field that is probably the prompt of a record without one, or nullopt.
std::optional<std::string> probable_prompt(const nlohmann::ordered_json& record);

/// The key whose value is a list of objects, if this object is probably not a record but holds the records.
std::optional<std::string> wrapped_list(const nlohmann::ordered_json& object);

}  // namespace rlhf
