#pragma once

#include <string>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// Python's pprint.pformat: repr with sorted keys, in lines of at most 80 characters where that is possible.
std::string pretty(Machine& machine, const Value& value);

}  // namespace rlhf::jinja
