#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rlhf {

/// Parses one JSON object: strict UTF-8 without NUL or byte order mark, no duplicate keys, at most 64 levels.
/// Throws BadRecord "where: expected …, found …".
nlohmann::ordered_json parse_object_strictly(std::string_view text, const std::string& where);

/// Returns the value of `key`. Throws BadRecord "where.key: expected …, found …" unless it is of the expected kind.
const nlohmann::ordered_json& expect_member(const nlohmann::ordered_json& object, const std::string& key,
                                            bool (nlohmann::ordered_json::*fits)() const noexcept,
                                            const std::string& expected, const std::string& where);

/// A value for an error message: its type and at most 80 bytes of its text, on one line.
std::string describe_value(const nlohmann::ordered_json& value);

/// The field names of an object for an error message, at most 80 bytes: "a", "b".
std::string describe_fields(const nlohmann::ordered_json& object);

}  // namespace rlhf
