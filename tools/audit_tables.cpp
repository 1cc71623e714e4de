// Tables of an audit, for terminal and page.
#include "audit_tables.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rlhf/feedback/interval.h"

#include "report_format.h"

namespace rlhf {
namespace {

std::string share_of(const Tally& tally) {
  return tally.trials > 0 ? shown_share(std::optional(tally.successes / tally.trials)) : "-";
}

/// "81.2 % [72.4, 87.7]", Wilson's interval.
std::string with_wilson(const Tally& tally) {
  if (tally.trials == 0) return "-";
  return shown_share(Estimate{tally.successes / tally.trials, wilson_interval(tally.successes, tally.trials)});
}

std::string shown(const std::optional<Estimate>& estimate) { return estimate ? shown_number(*estimate, 2) : "-"; }

std::vector<std::string> cells_of(const VoteSummary& votes) {
  const double ties = static_cast<double>(votes.ties) / static_cast<double>(std::max<std::int64_t>(votes.votes, 1));
  return {std::to_string(votes.votes), shown_share(std::optional(ties)), share_of(votes.agreement),
          with_wilson(votes.gold),     with_wilson(votes.first),         shown_number(votes.median_seconds, 1)};
}

std::vector<std::string> header(const std::string& first) {
  return {first, "votes", "ties", "agree", "right on gold", "for the first shown", "seconds"};
}

}  // namespace

double feature_unit(const std::string& feature) {
  return feature == "agreement" || feature == "shown_first" ? 1 : std::log(2.0);
}

std::string feature_meaning(const std::string& feature) {
  if (feature == "length") return "twice as long";
  if (feature == "agreement") return "agrees with the asker's belief";
  if (feature == "shown_first") return "shown first";
  return "more " + feature + " (1 + number doubled)";
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Cells without_empty_columns(const Cells& cells) {
  Cells kept(cells.size());
  for (std::size_t column = 0; column < cells.front().size(); ++column) {
    const bool known = std::any_of(cells.begin() + 1, cells.end(), [&](const auto& row) { return row[column] != "-"; });
    for (std::size_t row = 0; known && row < cells.size(); ++row) kept[row].push_back(cells[row][column]);
  }
  return kept;
}

std::string shown_names(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t n = 0; n < std::min(names.size(), most); ++n) text += (n == 0 ? "" : ", ") + names[n];
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

std::string cycle_text(const NamedCycle& cycle) {
  std::string text;
  for (const std::string& completion : cycle) text += completion + " > ";
  return text + cycle.front();
}

std::string more_text(std::size_t all, std::size_t shown) {
  return all > shown ? "(and " + std::to_string(all - shown) + " more: --json has all)\n" : "";
}

std::string summary_line(const Audit& audit) {
  const double ties = static_cast<double>(audit.all.ties) / static_cast<double>(audit.all.votes);
  const auto number = [](std::int64_t count) { return static_cast<std::size_t>(count); };
  return counted(number(audit.pairs), "pair") + ", " + counted(number(audit.all.votes), "vote") + " by " +
         counted(audit.annotators.size(), "annotator") + ", " + shown_share(std::optional(ties)) +
         " ties; votes for both sides on " + counted(number(audit.split), "pair");
}

Cells agreement_table(const AgreementPart& part) {
  Cells cells = {{"agreement of two votes", part.percent ? shown_share(*part.percent) : "-"},
                 {"Fleiss' kappa", shown(part.fleiss)},
                 {"Krippendorff's alpha, nominal", shown(part.krippendorff)},
                 {"Krippendorff's alpha, interval", shown(part.interval)},
                 {"Gwet's AC1", shown(part.ac1)}};
  if (part.cohen.size() == 1) cells.push_back({"Cohen's kappa", shown(part.cohen.front().kappa)});
  cells.push_back({"noise ceiling of single votes", part.ceiling ? shown_share(*part.ceiling) : "-"});
  return cells;
}

Cells cohen_table(const Audit& audit) {
  Cells cells = {{"Cohen's kappa", "pairs", "kappa"}};
  for (const auto& [first, second, shared, kappa] : audit.agreement.cohen)
    cells.push_back(
        {audit.annotators[first].name + ", " + audit.annotators[second].name, std::to_string(shared), shown(kappa)});
  return cells;
}

Cells annotator_table(const Audit& audit, const std::vector<std::size_t>& annotators) {
  Cells cells = {header("annotator")};
  cells.front().insert(cells.front().begin() + 1, {"role", "reliability"});
  for (const std::size_t k : annotators) {
    std::vector<std::string> row = cells_of(audit.by_annotator[k]);
    const auto& reliability = audit.reliability[k];
    const std::string shown = reliability ? shown_share(std::optional(reliability->value)) + " ± " +
                                                shown_number(100 * reliability->standard_error, 1)
                                          : "-";
    row.insert(row.begin(), {audit.annotators[k].name, std::string(name_of(audit.annotators[k].role)), shown});
    cells.push_back(row);
  }
  return cells;
}

Cells group_table(const std::string& title, const std::vector<AuditGroup>& groups) {
  Cells cells = {header(title)};
  for (const AuditGroup& group : groups) {
    cells.push_back(cells_of(group.votes));
    cells.back().insert(cells.back().begin(), group.name);
  }
  return cells;
}

Cells payment_table(const PaymentPart& payment) {
  Cells cells;
  for (const Coefficient& feature : payment.features) {
    const double unit = feature_unit(feature.name);
    const Estimate factor{std::exp(unit * feature.estimate),
                          Interval{std::exp(unit * feature.interval.low), std::exp(unit * feature.interval.high)}};
    cells.push_back({feature_meaning(feature.name), "× " + shown_number(factor, 2)});
  }
  return cells;
}

std::vector<std::size_t> least_reliable(const Audit& audit, std::size_t most) {
  std::vector<std::size_t> order(audit.annotators.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto upper = [&](std::size_t k) {
    const auto& reliability = audit.reliability[k];
    return reliability ? reliability->value + 2 * reliability->standard_error : 1;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return upper(a) != upper(b) ? upper(a) < upper(b) : audit.by_annotator[a].votes > audit.by_annotator[b].votes;
  });
  if (order.size() > most) order.resize(most);
  return order;
}

}  // namespace rlhf
