// Paths with a home folder or variables.
#include "rlhf/config/user_path.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace rlhf {
namespace {

bool has_variable(std::string_view text) {
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : ' ';
    if (next == '{' || next == '_' || std::isalpha(static_cast<unsigned char>(next)) != 0) return true;
  }
  return false;
}

bool exists(std::string_view path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(path), ignored);
}

}  // namespace

UserPath expand_path(std::string_view text) {
  const std::string found = ", found " + std::string(text);
  if (text == "~" || text.starts_with("~/")) {
    const char* const home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') return {"", "expected the variable HOME for ~" + found};
    return expand_path(home + std::string(text.substr(1)));
  }
  if (exists(text)) return {std::string(text), ""};
  if (text.starts_with('~'))
    return {"", "expected a path, ~ or ~/…, found " + std::string(text) + "; hint: write the whole path"};
  if (has_variable(text))
    return {"", "expected a path without variables" + found +
                    "; hint: write the path itself, or let the shell replace the variable on the command line"};
  return {std::string(text), ""};
}

}  // namespace rlhf
