#pragma once

#include <regex>
#include <string>
#include <vector>

namespace rlhf::testing {

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Whether every tag is closed in its turn and no stray "<" or "&" is left, as XML asks. (XML is stricter than HTML.)
inline bool is_well_formed(std::string text) {
  if (text.starts_with("<!DOCTYPE html>")) text.erase(0, text.find('\n'));
  text = std::regex_replace(text, std::regex("&(amp|lt|gt|quot|#39);"), "");
  static const std::regex tag("^<(/?)([a-z0-9]+)((?: [a-zA-Z0-9-]+=\"[^\"<]*\")*)(/?)>");
  std::vector<std::string> open;
  for (std::size_t at = text.find_first_of("<&"); at != std::string::npos; at = text.find_first_of("<&", at + 1)) {
    const std::string piece = text.substr(at, text.find('>', at) - at + 1);
    std::smatch match;
    if (!std::regex_match(piece, match, tag)) return false;
    if (match[4].length() > 0) continue;
    if (match[1].length() == 0) {
      open.push_back(match[2]);
    } else {
      if (open.empty() || open.back() != match[2]) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

}  // namespace rlhf::testing
