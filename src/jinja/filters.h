#pragma once

#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

using Filter = Native;  ///< the second argument is what is filtered
/// nullptr: there is none of this name.
Filter find_filter(std::string_view name);

}  // namespace rlhf::jinja
