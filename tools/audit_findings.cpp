// What to look at in an audit.
#include <algorithm>
#include <string>
#include <utility>

#include "rlhf/feedback/interval.h"

#include "audit.h"
#include "audit_tables.h"

namespace rlhf {
namespace {

// So that of a thousand annotators without a fault about one is named.
constexpr double kSure = 0.999;
constexpr std::size_t kNames = 5;

/// "WHAT: 3 of 12 annotators (k1, k2, k3)"; nothing if none does.
template <typename Test>
void add_annotators(const Audit& audit, const std::string& what, const Test& test, std::vector<std::string>& findings) {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < audit.annotators.size(); ++k)
    if (test(audit.by_annotator[k])) names.push_back(audit.annotators[k].name);
  if (names.empty()) return;
  findings.push_back(what + ": " + std::to_string(names.size()) + " of " +
                     counted(audit.annotators.size(), "annotator") + " (" + shown_names(names, kNames) + ")");
}

bool favours_a_place(const VoteSummary& votes) {
  if (votes.first.trials == 0) return false;
  const Interval share = wilson_interval(votes.first.successes, votes.first.trials, kSure);
  return share.low > 0.5 || share.high < 0.5;
}

bool mostly_wrong(const VoteSummary& votes) {
  return votes.gold.trials > 0 && wilson_interval(votes.gold.successes, votes.gold.trials, kSure).high < 0.5;
}

void add_names(const std::vector<std::string>& names, const std::string& one, const std::string& what,
               std::vector<std::string>& findings) {
  if (!names.empty()) findings.push_back(counted(names.size(), one) + " " + what + ": " + shown_names(names, kNames));
}

/// Which figures are missing, and why.
void add_missing(const Audit& audit, std::vector<std::string>& findings) {
  if (audit.annotators.size() == 1)
    findings.emplace_back(
        "all judgments are by one annotator: agreement, noise ceiling and contested pairs need a second one");
  else if (audit.agreement.shared == 0)
    findings.emplace_back(
        "no pair was judged by two annotators: agreement, noise ceiling and contested pairs need such pairs");
  if (audit.all.gold.trials == 0)
    findings.emplace_back("no checked answers (gold): the accuracy of annotators needs some");
  if (audit.all.first.trials == 0)
    findings.emplace_back("no order shown: position bias needs the field `order` of judgments");
}

}  // namespace

std::vector<std::string> audit_findings(const Audit& audit) {
  std::vector<std::string> findings;
  add_missing(audit, findings);
  add_annotators(audit, "wrong on most checked answers", mostly_wrong, findings);
  add_annotators(audit, "choosing by the place on the screen", favours_a_place, findings);
  add_names(audit.contested, "pair", "that reliable annotators split on", findings);
  if (!audit.cycles.empty())
    findings.push_back(
        counted(audit.cycles.size(), "group") +
        " of completions that go round in a circle, each better than the next: " + cycle_text(audit.cycles.front()));
  if (audit.self_contradictions > 0)
    findings.push_back("annotators contradict themselves in " + std::to_string(audit.self_contradictions) + " of " +
                       counted(static_cast<std::size_t>(audit.self_repeats), "repeated vote"));
  add_names(audit.repeats, "repeat", "of an earlier pair", findings);
  add_names(audit.same_texts, "pair", "of equal texts, left out", findings);
  add_names(audit.gold_conflicts, "contradiction", "between checked answers of one pair, left out", findings);
  return findings;
}

}  // namespace rlhf
