#pragma once

#include <optional>
#include <string>

#include "jinja/value.h"

namespace rlhf::jinja {

/// The method `name` of a text, list, tuple or dict, bound to it. Methods that change a list or dict give what Jinja2's
/// immutable sandbox gives: an undefined value that fails when it is called. Nothing if Python has no such method;
/// fails for those that Python has and this interpreter lacks.
std::optional<Value> method_of(const Value& self, const std::string& name);

/// Of str alone, and of the containers alone.
std::optional<Native> text_method(const std::string& name);
std::optional<Native> container_method(const Value& self, const std::string& name);

/// str.format: fields by position or name, with attributes and items, !r and !s; no format specifications.
Value formatted(Machine& machine, const Value& self, const Arguments& arguments);

}  // namespace rlhf::jinja
