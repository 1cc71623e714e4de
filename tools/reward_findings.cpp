// What speaks against a reward model.
#include "reward_findings.h"

#include <cmath>
#include <string>

#include "report_format.h"

namespace rlhf {
namespace {

constexpr double kFollows = 0.9;   // of the pairs of different length
constexpr double kLargeGap = 0.2;  // of accuracy
constexpr double kFarOff = 1.5;    // factor of the temperature

/// Whether the interval lies above the value; without an interval it cannot be said.
bool surely_above(const Estimate& estimate, double value) {
  return estimate.interval && estimate.interval->low > value;
}
bool surely_below(const Estimate& estimate, double value) {
  return estimate.interval && estimate.interval->high < value;
}

void find_no_knowledge(const RewardReport& report, std::vector<std::string>& found) {
  const Estimate& accuracy = report.rows.front().accuracy;
  if (surely_below(accuracy, 0.5)) {
    found.push_back("the model prefers the worse answer: accuracy " + shown_share(accuracy));
  } else if (!surely_above(accuracy, 0.5)) {
    found.push_back("no better than chance: accuracy " + shown_share(accuracy));
  }
}

void find_length(const LengthPart& length, std::vector<std::string>& found) {
  if (!surely_above(length.gain, 0))
    found.push_back("not better than a rule that reads only lengths (" +
                    std::string(length.longer_wins ? "the longer" : "the shorter") +
                    " answer: " + shown_share(length.alone) + "): " + shown_points(length.gain));
  if (length.prefers_longer && std::abs(*length.prefers_longer - 0.5) >= kFollows - 0.5) {
    const bool longer = *length.prefers_longer > 0.5;
    found.push_back("follows the length: prefers the " + std::string(longer ? "longer" : "shorter") + " answer in " +
                    shown_share(longer ? *length.prefers_longer : 1 - *length.prefers_longer) +
                    " of the pairs of different length");
  }
  if (length.gap && std::abs(length.gap->value) >= kLargeGap &&
      (surely_above(*length.gap, 0) || surely_below(*length.gap, 0)))
    found.push_back("right by length: accuracy " + shown_share(*length.longer_right.accuracy) +
                    " where the longer answer is better, " + shown_share(*length.shorter_right.accuracy) +
                    " where the shorter one is");
}

void find_leaks(const RewardReport& report, std::vector<std::string>& found) {
  for (const RewardRow& row : report.rows) {
    if (!row.ceiling || row.accuracy.value <= row.ceiling->value) continue;
    found.push_back("possible leak, " + row.name + ": accuracy " + shown_share(row.accuracy) +
                    " above the noise ceiling " + shown_share(*row.ceiling) +
                    (surely_above(row.accuracy, row.ceiling->value) ? "" : " (within its interval)") +
                    ": were these pairs, or others of their prompts, in the training data?");
  }
}

void find_miscalibration(const RewardRow& all, std::vector<std::string>& found) {
  if (!all.temperature) return;
  if (*all.temperature >= kFarOff)
    found.push_back("too sure: margins are " + shown_number(*all.temperature, 1) + " times as large as the votes say");
  if (*all.temperature <= 1 / kFarOff)
    found.push_back("not sure enough: margins are only " + shown_number(*all.temperature, 2) +
                    " times as large as the votes say");
}

}  // namespace

std::vector<std::string> reward_findings(const RewardReport& report) {
  std::vector<std::string> found;
  find_no_knowledge(report, found);
  find_length(report.length, found);
  find_leaks(report, found);
  find_miscalibration(report.rows.front(), found);
  if (report.swap && report.swap->changed > 0)
    found.push_back("scores depend on the order of reading: " + shown_share(report.swap->changed) +
                    " of the preferences change when the answers of a pair are swapped");
  return found;
}

}  // namespace rlhf
