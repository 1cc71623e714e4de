// Numbers and tables of reports on a terminal.
#include "report_format.h"

#include <algorithm>
#include <cstdio>

namespace rlhf {
namespace {

std::string with_interval(const Estimate& estimate, const std::string& value, double scale, int decimals) {
  if (!estimate.interval) return value;
  return value + " [" + shown_number(scale * estimate.interval->low, decimals) + ", " +
         shown_number(scale * estimate.interval->high, decimals) + "]";
}

/// The number of characters of a UTF-8 text.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string shown_number(std::optional<double> value, int decimals) {
  if (!value) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, *value);
  return text;
}

std::string shown_share(std::optional<double> share) { return share ? shown_number(100 * *share, 1) + " %" : "-"; }

std::string shown_share(const Estimate& estimate) {
  return with_interval(estimate, shown_share(std::optional(estimate.value)), 100, 1);
}

std::string shown_points(const Estimate& estimate) {
  const std::string sign = estimate.value >= 0 ? "+" : "";
  return with_interval(estimate, sign + shown_number(100 * estimate.value, 1) + " points", 100, 1);
}

std::string shown_number(const Estimate& estimate, int decimals) {
  return with_interval(estimate, shown_number(std::optional(estimate.value), decimals), 1, decimals);
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c == widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string blanks(widths[c] - width_of(row[c]), ' ');
      line += (c == 0 ? row[c] + blanks : "  " + blanks + row[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace rlhf
