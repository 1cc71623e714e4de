#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "audit.h"

namespace rlhf {

using Cells = std::vector<std::vector<std::string>>;  ///< the first row is a header

/// "7563 pairs, 37210 votes by 812 annotators, 5.1 % ties".
std::string summary_line(const Audit& audit);
/// "1 pair", "2 pairs".
std::string counted(std::size_t count, const std::string& what);
/// The rows without the columns that have nothing but "-" below the header.
Cells without_empty_columns(const Cells& cells);
/// "a, b, c and 4 more".
std::string shown_names(const std::vector<std::string>& names, std::size_t most);
/// "a > b > c > a".
std::string cycle_text(const NamedCycle& cycle);
/// "(and 4 more: --json has all)" as a line, or "".
std::string more_text(std::size_t all, std::size_t shown);

Cells agreement_table(const AgreementPart& agreement);
/// The annotators with these indices.
Cells annotator_table(const Audit& audit, const std::vector<std::size_t>& annotators);
Cells group_table(const std::string& title, const std::vector<AuditGroup>& groups);
/// Every two annotators.
Cells cohen_table(const Audit& audit);

/// The change of a feature that is shown: ln 2 where it is the logarithm of a count, else 1.
double feature_unit(const std::string& feature);
/// What this change is: "twice as long".
std::string feature_meaning(const std::string& feature);
/// Factors of the odds, exp(β·feature_unit).
Cells payment_table(const PaymentPart& payment);

/// At most so many annotators, those with many votes that seem the least reliable, the least reliable first: by the
/// upper end of the interval of their reliability, or by votes where there is none.
std::vector<std::size_t> least_reliable(const Audit& audit, std::size_t most);

}  // namespace rlhf
