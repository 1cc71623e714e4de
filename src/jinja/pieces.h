#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

using Pieces = std::vector<std::string_view>;  // views of a text that outlives them

/// str.split and str.rsplit with at most `most` cuts (all if negative).
Pieces split_by(Machine& machine, std::string_view text, std::string_view separator, std::int64_t most,
                bool from_right);
Pieces split_by_space(Machine& machine, std::string_view text, std::int64_t most, bool from_right);
/// str.splitlines.
Pieces lines_of(Machine& machine, std::string_view text, bool keep_ends);
Value list_of(Machine& machine, const Pieces& pieces, bool markup);

/// str.replace, at most `most` times (all if negative).
std::string replaced(std::string_view text, std::string_view old, std::string_view fresh, std::int64_t most);
std::size_t rfind_bytes(std::string_view text, std::string_view part);

/// str.isupper and str.islower: whether there are letters of this case and none of the other.
bool all_upper(std::string_view text);
bool all_lower(std::string_view text);

}  // namespace rlhf::jinja
