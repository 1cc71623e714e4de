#pragma once

#include <nlohmann/json.hpp>

#include "jinja/value.h"

namespace rlhf::jinja {

/// JSON as Python's json module would read it. Fails for what a template cannot hold: texts that are not UTF-8, whole
/// numbers beyond 64 bits, nesting deeper than 90.
Value value_of(const nlohmann::ordered_json& json);

}  // namespace rlhf::jinja
