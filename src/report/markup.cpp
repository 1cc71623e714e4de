// Escapes text for HTML, SVG and XML.
#include "report/markup.h"

#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (const auto bad = first_invalid_utf8(text)) {
    valid.append(text.substr(0, *bad)).append(kReplacement);
    text.remove_prefix(*bad + 1);
  }
  return valid.append(text);
}

// U+FFFE and U+FFFF are valid in UTF-8 but not in XML.
bool is_noncharacter(std::string_view text) {
  return text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF");
}

void append_escaped(char c, std::string& escaped) {
  switch (c) {
    case '&':
      escaped += "&amp;";
      break;
    case '<':
      escaped += "&lt;";
      break;
    case '>':
      escaped += "&gt;";
      break;
    case '"':
      escaped += "&quot;";
      break;
    case '\'':
      escaped += "&#39;";
      break;
    default:
      if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') escaped += c;
  }
}

}  // namespace

std::string escape_markup(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::string escaped;
  for (std::size_t i = 0; i < valid.size();) {
    if (is_noncharacter(std::string_view(valid).substr(i))) {
      i += 3;
    } else {
      append_escaped(valid[i++], escaped);
    }
  }
  return escaped;
}

std::string element(std::string_view tag, std::string_view inner, std::string_view attributes) {
  std::string markup = "<";
  markup.append(tag);
  if (!attributes.empty()) markup.append(" ").append(attributes);
  return markup.append(">").append(inner).append("</").append(tag).append(">");
}

}  // namespace rlhf
