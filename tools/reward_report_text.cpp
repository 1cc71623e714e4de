// The report on a reward model, as text.
#include <string>

#include "report_format.h"
#include "reward_report.h"

namespace rlhf {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string text_rows(const RewardReport& report) {
  std::vector<std::vector<std::string>> cells = {
      {"", "pairs", "prompts", "accuracy", "longer right", "NLL", "Brier", "ECE", "T", "noise ceiling"}};
  for (const RewardRow& row : report.rows)
    cells.push_back({row.name, std::to_string(row.pairs), std::to_string(row.prompts), shown_share(row.accuracy),
                     shown_share(row.longer), shown_number(std::optional(row.loss.value)),
                     shown_number(std::optional(row.brier.value)), shown_share(row.calibration_error),
                     shown_number(row.temperature, 2), row.ceiling ? shown_share(*row.ceiling) : "-"});
  return text_table(cells);
}

std::string rule_name(const LengthPart& length) {
  return length.longer_wins ? "the longer answer" : "the shorter answer";
}

std::string split_text(const LengthPart::Split& split) {
  return (split.accuracy ? shown_share(*split.accuracy) : "-") + " of " + std::to_string(split.pairs);
}

std::string text_length(const LengthPart& length) {
  std::string text =
      text_table({{"right where the longer answer is better", split_text(length.longer_right)},
                  {"right where the shorter answer is better", split_text(length.shorter_right)},
                  {"difference of the two", length.gap ? shown_points(*length.gap) : "-"},
                  {"a rule that reads only lengths: " + rule_name(length), shown_share(length.alone)},
                  {"the model is better than this rule by", shown_points(length.gain)},
                  {"prefers the longer answer", shown_share(length.prefers_longer)},
                  {"rank correlation of score and length within prompts", shown_number(length.rank_correlation, 2)}});
  std::vector<std::vector<std::string>> cells = {{"tokens, better - worse answer", "pairs", "accuracy"}};
  for (const LengthPart::Bin& bin : length.bins)
    cells.push_back({shown_number(bin.shortest, 0) + " to " + shown_number(bin.longest, 0), std::to_string(bin.pairs),
                     shown_share(bin.accuracy)});
  return text + "\n" + text_table(cells);
}

std::string calibration_table(const RewardReport& report) {
  std::vector<std::vector<std::string>> cells = {{"confidence", "pairs", "accuracy"}};
  for (const ReliabilityBin& bin : report.diagram)
    cells.push_back({shown_share(bin.confidence), std::to_string(bin.pairs), shown_share(bin.accuracy)});
  std::string text = text_table(cells);
  if (report.kept)
    text += "with the temperature of its folder, " + shown_number(report.kept->temperature, 2) + ": NLL " +
            shown_number(report.kept->loss) + ", ECE " + shown_share(report.kept->calibration_error) + "\n";
  return text;
}

std::string text_styles(const StyleMatrix& styles) {
  constexpr const char* kNames[] = {"concise", "detailed", "markdown"};
  std::vector<std::vector<std::string>> cells = {{"right answer \\ wrong answer", kNames[0], kNames[1], kNames[2]}};
  for (std::size_t right = 0; right < 3; ++right) {
    std::vector<std::string> row = {kNames[right]};
    for (const double share : styles.accuracy[right]) row.push_back(shown_share(share));
    cells.push_back(row);
  }
  return text_table(cells) + "hard " + shown_share(styles.hard) + ", normal " + shown_share(styles.normal) + ", easy " +
         shown_share(styles.easy) + "\n";
}

std::string others(const RewardReport& report) {
  std::string text;
  if (report.mean_of_domains) text += "mean of the domains: accuracy " + shown_share(report.mean_of_domains) + "\n";
  if (report.best_of_n)
    text += "best of n: the highest score is that of a right answer: " + shown_share(*report.best_of_n) + "\n";
  if (report.ties > 0)
    text += "ties: " + std::to_string(report.ties) + ", in no row; AUC of |margin| of pairs over ties " +
            shown_number(report.ties_auc) + "\n";
  if (report.swap)
    text += "swapped answers: preferences that change " + shown_share(report.swap->changed) + " of " +
            std::to_string(report.swapped) + ", largest change of a margin " + shown_number(report.swap->largest, 6) +
            "\n";
  return text;
}

std::string findings_text(const RewardReport& report) {
  std::string text;
  for (const std::string& finding : report.findings) text += "! " + finding + "\n";
  return text;
}

}  // namespace

std::string to_text(const RewardReport& report) {
  std::string text = "reward model  " + report.model + "\ndata          " + joined(report.data) + ": " +
                     std::to_string(report.records) + " records\n\n" + text_rows(report);
  text += others(report);
  text += "\nlength\n" + text_length(report.length);
  text += "\ncalibration\n" + calibration_table(report);
  if (report.styles) text += "\nstyle, " + std::to_string(report.styled) + " questions\n" + text_styles(*report.styles);
  if (!report.findings.empty()) text += "\nfindings\n" + findings_text(report);
  return text;
}

std::string to_short_text(const RewardReport& report) {
  const RewardRow& all = report.rows.front();
  return "on " + std::to_string(all.pairs) + " pairs of " + std::to_string(all.prompts) + " prompts: accuracy " +
         shown_share(all.accuracy) + ", ECE " + shown_share(all.calibration_error) + ", temperature " +
         shown_number(all.temperature, 2) + "; " + rule_name(report.length) + " alone " +
         shown_share(report.length.alone.value) + "; right where the shorter one is better " +
         split_text(report.length.shorter_right) + "\n" + findings_text(report);
}

}  // namespace rlhf
