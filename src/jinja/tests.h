#pragma once

#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

using Test = bool (*)(Machine&, const Value& subject, const Arguments&);
/// The test of this name, or nullptr.
Test find_test(std::string_view name);

}  // namespace rlhf::jinja
