#pragma once

#include <string>

#include "rlhf/config/options.h"

namespace rlhf {

/// The value of an option as YAML on one line: "3", "text", "[a, {path: b, weight: 2}]".
std::string flow_text(const Slot& slot);

}  // namespace rlhf
