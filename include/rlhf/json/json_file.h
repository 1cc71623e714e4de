#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"

namespace rlhf {

/// Reads the JSON object of a file of a model: a regular file of at most `max_bytes`. `where` is the beginning of every
/// error. Throws ModelError.
nlohmann::ordered_json read_json_object(const std::filesystem::path& file, const std::string& where,
                                        std::size_t max_bytes, const JsonLimits& limits = {});

}  // namespace rlhf
