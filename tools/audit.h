#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/feedback/grouped_mean.h"
#include "rlhf/feedback/logistic.h"
#include "rlhf/feedback/vote_summary.h"

#include "audit_votes.h"

namespace rlhf {

/// Agreement of the annotators, with bootstrap intervals over records. Of several votes of one annotator on one item
/// the first counts. nullopt where it is undefined (feedback/agreement.h), always with one annotator.
struct AgreementPart {
  std::int64_t shared = 0;                                     ///< items that at least two annotators judged
  std::optional<Estimate> percent, fleiss, krippendorff, ac1;  ///< of the choices first, second and tie
  std::optional<Estimate> interval;  ///< Krippendorff's alpha, interval metric, of strengths or of −1, 0 (a tie) and 1
  bool strengths = false;            ///< `interval` is of strengths: every choice has one
  std::optional<Estimate> ceiling;   ///< noise ceiling: accuracy of a single vote, ties left out
  struct Cohen {
    std::int32_t first = 0, second = 0;  ///< annotators
    std::int64_t shared = 0;
    std::optional<Estimate> kappa;
  };
  std::vector<Cohen> cohen;  ///< every two annotators, if there are at most kMostForCohen
};
inline constexpr std::size_t kMostForCohen = 5;

/// The votes of an annotator, a domain, a role, or all.
struct AuditGroup {
  std::string name;
  VoteSummary votes;
};

/// What the model of one accuracy per annotator says (OneCoin, feedback/dawid_skene.h).
struct Reliability {
  double value = 0, standard_error = 0;
};

/// What annotators pay for: logistic regression of votes, without ties, on differences of text features, with a ridge
/// of 1. "shown_first" is the pull of the place: its difference is 1 if the first completion was shown first, −1 if the
/// second was. The interval is the wider one of those with clusters by record and by annotator.
struct PaymentPart {
  std::int64_t votes = 0;
  std::vector<Coefficient> features;
  std::string missing;  ///< why there are none
};

/// Completions of one prompt that the votes cannot rank: each beats the next, the last beats the first.
using NamedCycle = std::vector<std::string>;

/// What the votes of a file say about them.
struct Audit {
  std::string file;
  std::int64_t records = 0, judgments = 0, pairs = 0, both_bad = 0;
  VoteSummary all;
  AgreementPart agreement;
  std::vector<AuditedAnnotator> annotators;
  std::vector<VoteSummary> by_annotator;
  std::vector<std::optional<Reliability>> reliability;  ///< [annotators]; nullopt if nobody shares an item or has gold
  std::vector<AuditGroup> domains, roles;               ///< domains are empty if no record has one
  PaymentPart payment;
  std::int64_t split = 0;                ///< pairs with votes for both completions
  std::int64_t self_contradictions = 0;  ///< pairs of votes of one annotator on one item that differ
  std::int64_t self_repeats = 0;         ///< such pairs of votes in all
  std::vector<std::string> contested;    ///< records of pairs that reliable annotators split on
  std::vector<NamedCycle> cycles;
  std::vector<std::string> repeats, same_texts, gold_conflicts;  ///< records, as in AuditedVotes
  std::vector<std::string> findings;                             ///< what to look at, one line each
};

/// Errors: ArgumentError.
Audit audit_votes(const std::string& file, const AuditedVotes& votes, const BootstrapOptions& options);

/// The parts.
AgreementPart audit_agreement(const AuditedVotes& votes, const BootstrapOptions& options);
PaymentPart audit_payment(const AuditedVotes& votes);
std::vector<std::string> audit_findings(const Audit& audit);

/// The audit for a terminal, at most a screen of lines.
std::string to_text(const Audit& audit);
/// All of it. Names of records and cycles are the first 1000.
std::string to_json(const Audit& audit);
/// A self-contained page.
std::string to_html(const Audit& audit);

}  // namespace rlhf
