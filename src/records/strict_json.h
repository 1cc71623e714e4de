#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rlhf {

/// One JSON object, read strictly: well-formed UTF-8, no NUL, no byte order mark, no duplicate key, depth at most 64.
/// Throws BadRecord "where: expected …, found …".
nlohmann::ordered_json parse_object_strictly(std::string_view text, const std::string& where);

/// The value of `key` if it is of the kind that is `expected`. Throws BadRecord "where.key: expected …, found …".
const nlohmann::ordered_json& expect_member(const nlohmann::ordered_json& object, const std::string& key,
                                            bool (nlohmann::ordered_json::*fits)() const noexcept,
                                            const std::string& expected, const std::string& where);

/// A value for an error message: its type and at most 80 bytes of it, on one line.
std::string describe_value(const nlohmann::ordered_json& value);

/// The names of an object's fields for an error message, at most 80 bytes: "a", "b".
std::string describe_fields(const nlohmann::ordered_json& object);

}  // namespace rlhf
