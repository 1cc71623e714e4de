// An audit as a page.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "rlhf/feedback/interval.h"
#include "rlhf/report/html_page.h"

#include "audit.h"
#include "audit_tables.h"
#include "report_format.h"

namespace rlhf {
namespace {

constexpr std::size_t kMostRows = 200, kMostLines = 200, kMostBars = 30;

std::string note_of(const Estimate& share) {
  return share.interval
             ? shown_number(100 * share.interval->low, 1) + " to " + shown_number(100 * share.interval->high, 1)
             : "";
}

std::vector<HtmlPage::Figure> figures(const Audit& audit) {
  std::vector<HtmlPage::Figure> list = {{"pairs", std::to_string(audit.pairs), ""},
                                        {"votes", std::to_string(audit.all.votes), ""},
                                        {"annotators", std::to_string(audit.annotators.size()), ""}};
  const AgreementPart& part = audit.agreement;
  if (part.percent)
    list.push_back({"two votes agree", shown_share(std::optional(part.percent->value)), note_of(*part.percent)});
  if (part.ceiling)
    list.push_back({"noise ceiling", shown_share(std::optional(part.ceiling->value)), "of a single vote"});
  return list;
}

/// One point per annotator, in the order of the values, with the ends of the intervals as curves of their own.
Chart sorted_chart(const std::string& title, std::vector<Estimate> shares) {
  std::sort(shares.begin(), shares.end(), [](const Estimate& a, const Estimate& b) { return a.value < b.value; });
  Chart chart{.title = title, .x_label = "annotators, sorted", .unit = "%", .curves = {}};
  Curve value{"estimate", {}}, low{"interval, from", {}}, high{"interval, to", {}};
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const auto x = static_cast<double>(k + 1);
    value.points.emplace_back(x, 100 * shares[k].value);
    low.points.emplace_back(x, 100 * shares[k].interval->low);
    high.points.emplace_back(x, 100 * shares[k].interval->high);
  }
  chart.curves = {value, low, high};
  return chart;
}

std::vector<Estimate> reliabilities(const Audit& audit) {
  std::vector<Estimate> found;
  for (const auto& reliability : audit.reliability)
    if (reliability) {
      const double reach = normal_quantile(0.975) * reliability->standard_error;
      found.push_back({reliability->value,
                       Interval{std::max(0.0, reliability->value - reach), std::min(1.0, reliability->value + reach)}});
    }
  return found;
}

std::vector<Estimate> places(const Audit& audit) {
  std::vector<Estimate> found;
  for (const VoteSummary& votes : audit.by_annotator)
    if (votes.first.trials > 0)
      found.push_back(
          {votes.first.successes / votes.first.trials, wilson_interval(votes.first.successes, votes.first.trials)});
  return found;
}

std::vector<Chart> annotator_charts(const Audit& audit) {
  std::vector<Chart> charts;
  const std::vector<Estimate> reliable = reliabilities(audit), first = places(audit);
  if (reliable.size() > 1) charts.push_back(sorted_chart("Reliability", reliable));
  if (first.size() > 1) charts.push_back(sorted_chart("Choices for what was shown first", first));
  return charts;
}

BarChart payment_bars(const PaymentPart& payment) {
  BarChart chart{.title = "Chosen by", .unit = "%", .series = {"share of votes"}, .rows = {}};
  for (const Coefficient& feature : payment.features) {
    const double odds = std::exp(feature_unit(feature.name) * feature.estimate);
    chart.rows.push_back({feature_meaning(feature.name), {std::round(100 * odds / (1 + odds))}});
  }
  return chart;
}

BarChart domain_bars(const std::vector<AuditGroup>& domains) {
  BarChart chart{.title = "Domains", .unit = "%", .series = {"agreement", "right on gold"}, .rows = {}};
  const auto percent = [](const Tally& tally) {
    return tally.trials > 0 ? std::round(100 * tally.successes / tally.trials) : 0;
  };
  for (std::size_t d = 0; d < std::min(domains.size(), kMostBars); ++d)
    chart.rows.push_back({domains[d].name, {percent(domains[d].votes.agreement), percent(domains[d].votes.gold)}});
  return chart;
}

void list_names(HtmlPage& page, const std::string& summary, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::string lines;
  for (std::size_t n = 0; n < std::min(names.size(), kMostLines); ++n) lines += names[n] + "\n";
  if (names.size() > kMostLines) lines += "and " + std::to_string(names.size() - kMostLines) + " more\n";
  page.folded(summary + " (" + std::to_string(names.size()) + ")", lines);
}

std::vector<std::string> cycle_lines(const std::vector<NamedCycle>& cycles) {
  std::vector<std::string> lines;
  for (const NamedCycle& cycle : cycles) lines.push_back(cycle_text(cycle));
  return lines;
}

void add_annotators(HtmlPage& page, const Audit& audit) {
  page.heading("Annotators");
  const std::vector<std::size_t> shown = least_reliable(audit, kMostRows);
  page.charts(annotator_charts(audit));
  page.table(without_empty_columns(annotator_table(audit, shown)));
  if (shown.size() < audit.annotators.size())
    page.paragraphs("The " + std::to_string(shown.size()) + " that seem least reliable, of " +
                    std::to_string(audit.annotators.size()) + ".");
  if (audit.agreement.cohen.size() > 1) page.table(cohen_table(audit));
}

void add_payment(HtmlPage& page, const PaymentPart& payment) {
  page.heading("What annotators pay for");
  if (!payment.missing.empty()) return page.paragraphs("This " + payment.missing + ".");
  page.paragraphs(
      "Of two answers that differ in this alone, so many votes are for the one that has more. 50 % is no "
      "influence.");
  page.bars(payment_bars(payment));
  Cells cells = payment_table(payment);
  cells.insert(cells.begin(), {"", "odds of being chosen"});
  page.table(cells);
}

}  // namespace

std::string to_html(const Audit& audit) {
  HtmlPage page("Judgments of " + audit.file);
  page.figures(figures(audit));
  page.paragraphs(summary_line(audit) + ".");
  if (!audit.findings.empty()) page.heading("Look at");
  for (const std::string& finding : audit.findings) page.paragraphs(finding);
  if (audit.agreement.percent) {
    page.heading("Agreement");
    Cells cells = agreement_table(audit.agreement);
    cells.insert(cells.begin(), {"", "with 95 % interval"});
    page.table(cells);
  }
  add_annotators(page, audit);
  if (audit.roles.size() > 1) page.table(without_empty_columns(group_table("role", audit.roles)));
  if (!audit.domains.empty()) {
    page.heading("Domains");
    page.bars(domain_bars(audit.domains));
    page.table(without_empty_columns(group_table("domain", audit.domains)));
  }
  add_payment(page, audit.payment);
  page.heading("Records");
  list_names(page, "Pairs that reliable annotators split on", audit.contested);
  list_names(page, "Circles: each is preferred to the next", cycle_lines(audit.cycles));
  list_names(page, "Records with a pair of an earlier record", audit.repeats);
  list_names(page, "Pairs of equal texts, left out", audit.same_texts);
  list_names(page, "Checked answers that contradict an earlier one, left out", audit.gold_conflicts);
  page.heading("How to read this");
  page.paragraphs(
      "Intervals are at 95 %: of agreement from 1000 resamples of records, of shares Wilson's, of what annotators pay "
      "for the wider one of those with clusters by record and by annotator.\n"
      "The noise ceiling is the accuracy of a single vote that follows from how often two agree, if annotators err "
      "independently: no model can be expected to agree more often with single votes.\n"
      "Reliability is the accuracy of an annotator in the model of one accuracy each, fitted to all votes and to "
      "checked "
      "answers where there are some. A bias that most annotators share is not seen without checked answers.");
  return page.html();
}

}  // namespace rlhf
