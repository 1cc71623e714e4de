#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rlhf {

/// The JSON object that a file of a model is, or begins with. It may come from anyone: it is read without
/// recursion, in time linear in its size for each of at most `max_depth` levels. Throws ModelError
/// "where: expected …, found …": no UTF-8 JSON, a NUL byte, a key twice in one object, more than 5 million keys, deeper
/// nesting, a number that no double holds, anything but an object.
nlohmann::ordered_json parse_model_json(std::string_view text, const std::string& where, std::size_t max_depth = 16);

/// The same of a whole file, which must be a regular one of at most `max_bytes`.
nlohmann::ordered_json read_model_json(const std::filesystem::path& file, std::size_t max_bytes = std::size_t{1} << 20);

/// Whether something has this name. A link that leads nowhere is there, and reading it gives the system's reason.
bool is_there(const std::filesystem::path& path);

/// A value as an error message shows it: JSON in ASCII on one line, cut to a readable length.
std::string shown_json(const nlohmann::ordered_json& value);
/// A tensor's name in an error message: as it is, or like shown_json where it is long or not of printable ASCII.
std::string shown_name(const std::string& name);

}  // namespace rlhf
