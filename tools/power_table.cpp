// How many votes, experts and gold items a plan needs.
#include "power_table.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include "rlhf/feedback/power.h"

namespace rlhf {
namespace {

constexpr double kExpertError = 0.02;
constexpr std::array<int, 8> kAccuracies = {60, 65, 70, 75, 80, 85, 90, 95};  // per cent

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100 * share);
  return text.data();
}

std::string percent(std::optional<double> share) { return share ? percent(*share) : "-"; }
std::string number(std::optional<std::int32_t> count) { return count ? std::to_string(*count) : "-"; }

std::string cell(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string row_of(int accuracy) {
  const double right = accuracy / 100.0, half = majority_error(right, 1) / 2;
  const auto test = accuracy + 10 < 100 ? gold_items_to_tell(right, (accuracy + 10) / 100.0) : std::nullopt;
  std::string row = cell(std::to_string(accuracy) + " %", 7);
  for (const std::int32_t votes : {1, 3, 5, 9}) row += cell(percent(majority_error(right, votes)), votes == 1 ? 11 : 9);
  row += cell(number(votes_for_error(right, half)), 11);
  row += cell(percent(expert_share_for_error(1 - right, kExpertError, half)), 15);
  row += cell(test ? std::to_string(test->items) : "-", 11) + cell(test ? std::to_string(test->pass) : "-", 9);
  return row + cell(number(gold_items_for_width(right, 0.1)), 13) + "\n";
}

constexpr std::string_view kHead =
    R"(accuracy  wrong labels by the majority of        half the wrong labels by    gold items to tell   gold items
of a vote   1 vote  3 votes  5 votes  9 votes      votes  or experts on      from +10 points      for +-5
                                                per pair   of the pairs      items  to pass       points
)";

constexpr std::string_view kNotes = R"(
wrong labels    votes are independent; the label is what most votes on a pair say
half of them    instead of 1 vote per pair: so many votes, or experts (98 % right) who label that share of the pairs
to tell         annotators of this accuracy pass with at most 5 %, those with 10 points more with at least 80 %
for +-5 points  the 95 % interval of the accuracy (Wilson) is then 10 points wide
)";

}  // namespace

std::string power_table() {
  std::string table(kHead);
  for (const int accuracy : kAccuracies) table += row_of(accuracy);
  return table + std::string(kNotes);
}

}  // namespace rlhf
