// Counts the parts of Markdown in a text.
#include "feedback/markup.h"

#include <algorithm>

namespace rlhf {
namespace {

std::string_view without_indent(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

bool is_fence(std::string_view line) { return line.starts_with("```") || line.starts_with("~~~"); }

bool is_heading(std::string_view line) {
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  return level >= 1 && level <= 6 && level < line.size() && line[level] == ' ';
}

bool is_table_row(std::string_view line) { return line.size() >= 3 && line.front() == '|' && line.back() == '|'; }

bool is_list_item(std::string_view line) {
  if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("+ ")) return true;
  if (line.starts_with("\u2022")) return true;
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const std::string_view rest = line.substr(digits);
  return digits >= 1 && digits <= 3 && (rest.starts_with(". ") || rest.starts_with(") "));
}

std::size_t occurrences(std::string_view line, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = line.find(part); at != std::string_view::npos; at = line.find(part, at + part.size())) ++found;
  return found;
}

void count_line(std::string_view line, MarkupCounts& counts) {
  counts.items += is_list_item(line);
  counts.marks += is_heading(line) + is_table_row(line);
  counts.marks += occurrences(line, "**") / 2 + occurrences(line, "](");
  counts.code += occurrences(line, "`") / 2;
}

}  // namespace

MarkupCounts count_markup(std::string_view text) {
  MarkupCounts counts;
  bool in_code = false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = without_indent(text.substr(begin, end - begin));
    if (is_fence(line)) {
      counts.code += !in_code;
      in_code = !in_code;
    } else if (!in_code) {
      count_line(line, counts);
    }
    begin = end + 1;
  }
  return counts;
}

}  // namespace rlhf
