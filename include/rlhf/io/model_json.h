#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace rlhf {

inline constexpr std::size_t kModelJsonDepth = 16;

/// The JSON object that a file of a model is, or begins with, as parse_json_object of json/json_reader.h reads it.
/// Throws ModelError.
nlohmann::ordered_json parse_model_json(std::string_view text, const std::string& where,
                                        std::size_t max_depth = kModelJsonDepth);

/// The same of a whole file, which must be a regular one of at most `max_bytes`.
nlohmann::ordered_json read_model_json(const std::filesystem::path& file, std::size_t max_bytes = std::size_t{1} << 20);

/// Whether something has this name. A link that leads nowhere is there, and reading it gives the system's reason.
bool is_there(const std::filesystem::path& path);

/// A tensor's name in an error message: as it is, or like shown_json where it is long or not of printable ASCII.
std::string shown_name(const std::string& name);

}  // namespace rlhf
