#pragma once

#include <optional>
#include <string>

#include "jinja/value.h"

namespace rlhf::jinja {

/// The method `name` of a text, list, tuple or dict, bound to its object. A method that would change a list or dict is,
/// as in Jinja2's immutable sandbox, an undefined value that fails when it is called. Returns nullopt if Python has no
/// such method; fails for methods of Python that this interpreter does not support.
std::optional<Value> method_of(const Value& self, const std::string& name);

/// The attribute of an int, bool or float: real, numerator, is_integer, …
std::optional<Value> number_attribute(const Value& self, const std::string& name);

/// The same for str only, and for the containers only.
std::optional<Native> text_method(const std::string& name);
std::optional<Native> container_method(const Value& self, const std::string& name);

/// A method that only markupsafe's Markup has: striptags, unescape, escape.
std::optional<Native> markup_method(const std::string& name);

/// str.format and str.format_map.
Value formatted(Machine& machine, const Value& self, const Arguments& arguments);
Value formatted_by_map(Machine& machine, const Value& self, const Arguments& arguments);

}  // namespace rlhf::jinja
