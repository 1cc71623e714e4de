#pragma once

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"

namespace rlhf {

/// A ShareGPT turn {"from", "value"} as a message. "function_call" is an assistant turn with the tool calls of its
/// value, a JSON text {"name", "arguments"} or a list of them. Other keys are kept.
nlohmann::ordered_json read_sharegpt_turn(const JsonReader& turn);

}  // namespace rlhf
