// The report on a reward model, as a page.
#include <filesystem>
#include <string>

#include "rlhf/report/html_page.h"

#include "report_format.h"
#include "reward_report.h"

namespace rlhf {
namespace {

HtmlPage::Table page_rows(const RewardReport& report) {
  HtmlPage::Table table = {
      {"", "pairs", "prompts", "accuracy", "longer right", "NLL", "Brier", "ECE", "temperature", "noise ceiling"}};
  for (const RewardRow& row : report.rows)
    table.push_back({row.name, std::to_string(row.pairs), std::to_string(row.prompts), shown_share(row.accuracy),
                     shown_share(row.longer), shown_number(row.loss), shown_number(row.brier),
                     shown_share(row.calibration_error), shown_number(row.temperature, 2),
                     row.ceiling ? shown_share(*row.ceiling) : "–"});
  return table;
}

Chart reliability_chart(const RewardReport& report) {
  Chart chart{.title = "Accuracy by confidence", .x_label = "confidence, %", .unit = "%"};
  Curve model{.name = "this model", .points = {}};
  for (const ReliabilityBin& bin : report.diagram) model.points.emplace_back(100 * bin.confidence, 100 * bin.accuracy);
  chart.curves = {model, {.name = "calibrated", .points = {{50, 50}, {100, 100}}}};
  return chart;
}

Chart length_chart(const RewardReport& report) {
  Chart chart{
      .title = "Accuracy by difference of the lengths", .x_label = "tokens, better − worse answer", .unit = "%"};
  Curve model{.name = "this model", .points = {}};
  for (const LengthPart::Bin& bin : report.length.bins)
    model.points.emplace_back((bin.shortest + bin.longest) / 2, 100 * bin.accuracy);
  chart.curves = {model};
  return chart;
}

HtmlPage::Terms length_terms(const LengthPart& length) {
  const auto split = [](const LengthPart::Split& part) {
    return (part.accuracy ? shown_share(*part.accuracy) : "–") + " of " + std::to_string(part.pairs) + " pairs";
  };
  return {{"right where the longer answer is better", split(length.longer_right)},
          {"right where the shorter answer is better", split(length.shorter_right)},
          {"difference", length.gap ? shown_points(*length.gap) : "–"},
          {std::string("the rule “the ") + (length.longer_wins ? "longer" : "shorter") + " answer”",
           shown_share(length.alone)},
          {"the model is better by", shown_points(length.gain)},
          {"prefers the longer answer", shown_share(length.prefers_longer)},
          {"rank correlation of score and length within prompts", shown_number(length.rank_correlation, 2)}};
}

HtmlPage::Table page_styles(const StyleMatrix& styles) {
  constexpr const char* kNames[] = {"concise", "detailed", "markdown"};
  HtmlPage::Table table = {{"right answer, by style of the wrong one", kNames[0], kNames[1], kNames[2]}};
  for (std::size_t right = 0; right < 3; ++right) {
    table.push_back({kNames[right]});
    for (const double share : styles.accuracy[right]) table.back().push_back(shown_share(share));
  }
  return table;
}

std::vector<HtmlPage::Figure> page_figures(const RewardReport& report) {
  const RewardRow& all = report.rows.front();
  const auto interval = [](const Estimate& estimate) {
    return estimate.interval
               ? shown_number(100 * estimate.interval->low, 1) + " to " + shown_number(100 * estimate.interval->high, 1)
               : "";
  };
  std::vector<HtmlPage::Figure> list = {{"accuracy", shown_share(all.accuracy.value), interval(all.accuracy)},
                                        {"length alone", shown_share(report.length.alone.value),
                                         report.length.longer_wins ? "the longer" : "the shorter"},
                                        {"calibration error", shown_share(all.calibration_error), "ECE"},
                                        {"temperature", shown_number(all.temperature, 2), "above 1: too sure"}};
  if (all.ceiling) list.push_back({"noise ceiling", shown_share(all.ceiling->value), "of a single vote"});
  if (report.best_of_n)
    list.push_back({"best of n", shown_share(report.best_of_n->value), interval(*report.best_of_n)});
  return list;
}

}  // namespace

std::string to_html(const RewardReport& report) {
  HtmlPage page("Reward model " + report.model);
  page.badge(
      report.findings.empty() ? "nothing found against it" : std::to_string(report.findings.size()) + " findings",
      report.findings.empty() ? "good" : "warn");
  page.figures(page_figures(report));
  std::string files;
  for (const std::string& file : report.data) files += (files.empty() ? "" : "\n") + file;
  page.terms({{"model", report.model}, {"data", files}, {"records", std::to_string(report.records)}});
  if (!report.findings.empty()) page.heading("Findings");
  for (const std::string& finding : report.findings) page.paragraphs(finding);
  page.heading("Pairs");
  page.table(page_rows(report));
  page.heading("Length");
  page.terms(length_terms(report.length));
  page.heading("Calibration and length");
  page.charts({reliability_chart(report), length_chart(report)});
  if (report.styles) {
    page.heading("Style");
    page.table(page_styles(*report.styles));
    page.paragraphs("hard " + shown_share(report.styles->hard) + ", normal " + shown_share(report.styles->normal) +
                    ", easy " + shown_share(report.styles->easy));
  }
  page.heading("How to read this");
  page.paragraphs(
      "Intervals are those of 95 % of the resamples of prompts. A pair of equal scores counts half. T is the "
      "temperature "
      "that makes σ(margin / T) the best probability; the calibration error (ECE) is that at T = 1. The rule that "
      "reads "
      "only lengths is chosen with the same pairs, the better one of two. The noise ceiling is the accuracy of a "
      "single "
      "vote, as it follows from how often two votes agree; a model above it may have seen the data.");
  return page.html();
}

}  // namespace rlhf
