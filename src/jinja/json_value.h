#pragma once

#include <nlohmann/json.hpp>

#include "jinja/value.h"

namespace rlhf::jinja {

/// Converts JSON to a value, as Python's json module does. Fails for texts that are not UTF-8, integers beyond 64 bits
/// and nesting deeper than 90.
Value value_of(const nlohmann::ordered_json& json);

}  // namespace rlhf::jinja
