#pragma once

#include <string>
#include <string_view>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// Python's str(), as {{ … }} prints a value.
std::string to_text(Machine& machine, const Value& value);
/// Python's repr().
std::string to_repr(Machine& machine, const Value& value);
/// Python's ascii(): repr() with escapes for all characters beyond ASCII.
std::string to_ascii(Machine& machine, const Value& value);
/// Python's repr() of a float: the shortest digits that read back as the same number.
std::string real_text(double value);

/// Settings of Python's json.dumps; the defaults are those of `tojson` in transformers.
struct JsonStyle {
  bool ascii = false;
  bool sorted = false;
  bool indented = false;
  std::string indent;  // per level
  std::string item_separator = ", ", key_separator = ": ";
};
std::string to_json(Machine& machine, const Value& value, const JsonStyle& style);

/// Escapes & < > ' " for HTML, like markupsafe.
std::string html_escaped(std::string_view text);

}  // namespace rlhf::jinja
