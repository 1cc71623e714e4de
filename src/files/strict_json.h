#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rlhf {

/// One JSON object, read strictly: well-formed UTF-8, no NUL, no byte order mark, no duplicate key, depth at most 64.
/// Throws DataError "where: expected …, found …".
nlohmann::ordered_json parse_object_strictly(std::string_view text, const std::string& where);

/// A value for an error message: its type and at most 80 bytes of it, on one line.
std::string describe_value(const nlohmann::ordered_json& value);

/// The names of an object's fields for an error message, at most 80 bytes: "a", "b".
std::string describe_fields(const nlohmann::ordered_json& object);

}  // namespace rlhf
