// An audit for a terminal.
#include <algorithm>
#include <string>
#include <vector>

#include "rlhf/core/message.h"
#include "rlhf/core/utf8.h"

#include "audit.h"
#include "audit_tables.h"
#include "report_format.h"

namespace rlhf {
namespace {

constexpr std::size_t kAnnotators = 6, kGroups = 5;  // rows of tables
constexpr std::size_t kWidest = 36;                  // bytes of a cell

/// The table, whose names cannot do anything to the terminal.
std::string lines_of(Cells cells) {
  for (auto& row : cells)
    for (std::string& cell : row) cell = shortened(one_line(cell), kWidest);
  return text_table(cells);
}

std::string agreement_text(const AgreementPart& agreement) {
  return agreement.percent ? lines_of(agreement_table(agreement)) : "";
}

std::string groups_text(const std::string& title, const std::vector<AuditGroup>& groups) {
  if (groups.empty()) return "";
  std::vector<AuditGroup> most = groups;
  std::stable_sort(most.begin(), most.end(),
                   [](const AuditGroup& a, const AuditGroup& b) { return a.votes.votes > b.votes.votes; });
  if (most.size() > kGroups) most.resize(kGroups);
  return lines_of(without_empty_columns(group_table(title, most))) + more_text(groups.size(), most.size());
}

std::string payment_text(const PaymentPart& payment) {
  const std::string title = "\nwhat annotators pay for: odds of being chosen";
  return payment.missing.empty() ? title + "\n" + lines_of(payment_table(payment))
                                 : title + ": " + payment.missing + "\n";
}

}  // namespace

std::string to_text(const Audit& audit) {
  std::string text = one_line(audit.file) + ": " + summary_line(audit) + "\n\n" + agreement_text(audit.agreement);
  const std::vector<std::size_t> shown = least_reliable(audit, kAnnotators);
  text += "\n" + lines_of(without_empty_columns(annotator_table(audit, shown))) +
          more_text(audit.annotators.size(), shown.size());
  if (audit.roles.size() > 1) text += "\n" + groups_text("role", audit.roles);
  if (!audit.domains.empty()) text += "\n" + groups_text("domain", audit.domains);
  text += payment_text(audit.payment);
  if (!audit.findings.empty()) text += "\nlook at\n";
  for (const std::string& finding : audit.findings) text += "- " + message_line(finding) + "\n";
  return text;
}

}  // namespace rlhf
