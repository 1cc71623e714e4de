#pragma once

#include <string>
#include <string_view>

namespace rlhf {

/// `text` as it may stand in HTML and SVG, between tags or inside quotes.
std::string escape_markup(std::string_view text);

}  // namespace rlhf
