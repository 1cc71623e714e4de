#pragma once

#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

using Test = bool (*)(Machine&, const Value& subject, const Arguments&);
/// nullptr: there is none of this name.
Test find_test(std::string_view name);

}  // namespace rlhf::jinja
