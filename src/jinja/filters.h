#pragma once

#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

using Filter = Native;  ///< the second argument is the filtered value
/// The filter of this name, or nullptr.
Filter find_filter(std::string_view name);

}  // namespace rlhf::jinja
