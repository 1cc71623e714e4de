#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// A function of every template: range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
std::optional<Value> find_global(std::string_view name);

/// Runs {% set holder.name = value %}. Fails if `holder` is not a namespace or `name` begins with an underscore.
void set_namespace_attribute(Machine& machine, const Value& holder, const std::string& name, const Value& value);

}  // namespace rlhf::jinja
