#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// A function that every template sees: range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
std::optional<Value> find_global(std::string_view name);

/// {% set holder.name = value %}. Fails unless `holder` is a namespace, and for names that begin with an underscore.
void set_namespace_attribute(Machine& machine, const Value& holder, const std::string& name, const Value& value);

}  // namespace rlhf::jinja
