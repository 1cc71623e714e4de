// Text, tags and attributes of HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace rlhf {

/// Escapes `text` for HTML and XML, between tags or inside quotes. Removes characters that XML does not allow (control
/// characters, U+FFFE, U+FFFF); bytes that are not UTF-8 become U+FFFD.
std::string escape_markup(std::string_view text);

/// `<tag>inner</tag>`, or `<tag attributes>inner</tag>`; `inner` is markup already.
std::string element(std::string_view tag, std::string_view inner, std::string_view attributes = "");

}  // namespace rlhf
