// What the votes of a file say about them.
#include "audit.h"

#include <algorithm>
#include <set>
#include <utility>

#include "rlhf/feedback/dawid_skene.h"

namespace rlhf {
namespace {

std::vector<std::int32_t> of_votes(const AuditedVotes& all, const auto& group) {
  std::vector<std::int32_t> groups;
  for (const Vote& vote : all.votes.list) groups.push_back(group(vote));
  return groups;
}

std::vector<VoteSummary> summaries(const AuditedVotes& all, const std::vector<std::int32_t>& groups,
                                   std::size_t count) {
  return summarise_votes(all.votes, all.details, groups, static_cast<std::int32_t>(count));
}

/// The groups with votes.
std::vector<AuditGroup> named(const std::vector<std::string>& names, const std::vector<VoteSummary>& found) {
  std::vector<AuditGroup> groups;
  for (std::size_t g = 0; g < names.size(); ++g)
    if (found[g].votes > 0) groups.push_back({names[g], found[g]});
  return groups;
}

std::vector<AuditGroup> audit_domains(const AuditedVotes& all) {
  if (all.domains == std::vector<std::string>{""}) return {};
  std::vector<std::string> names = all.domains;
  std::replace(names.begin(), names.end(), std::string(), std::string("(none)"));
  return named(names, summaries(all, all.domain, names.size()));
}

std::vector<AuditGroup> audit_roles(const AuditedVotes& all) {
  std::vector<std::string> names;
  for (const AnnotatorRole role : {AnnotatorRole::crowd, AnnotatorRole::expert, AnnotatorRole::ai})
    names.emplace_back(name_of(role));
  const auto role = [&](const Vote& vote) { return static_cast<std::int32_t>(all.annotators[vote.annotator].role); };
  return named(names, summaries(all, of_votes(all, role), names.size()));
}

void audit_annotators(const AuditedVotes& all, Audit& audit) {
  audit.annotators = all.annotators;
  audit.by_annotator =
      summaries(all, of_votes(all, [](const Vote& vote) { return vote.annotator; }), all.annotators.size());
  audit.reliability.resize(all.annotators.size());
  if (audit.agreement.shared == 0 && audit.all.gold.trials == 0) return;
  const OneCoin model = fit_one_coin(all.votes, {}, {.gold = all.details.gold});
  for (std::size_t k = 0; k < all.annotators.size(); ++k)
    audit.reliability[k] = Reliability{model.accuracy[k], model.standard_errors[k]};
  for (const std::int32_t item : contested_items(all.votes, model.labels, model.accuracy))
    audit.contested.push_back(all.items[item].name);
}

void audit_comparisons(const AuditedVotes& all, Audit& audit) {
  std::vector<Comparison> comparisons;
  for (const Vote& vote : all.votes.list) {
    const auto [first, second] = all.items[vote.item].completions;
    if (vote.choice != kTied)
      comparisons.push_back(vote.choice == kFirst ? Comparison{first, second} : Comparison{second, first});
  }
  audit.split = static_cast<std::int64_t>(find_contradictions(comparisons).size());
  for (const PreferenceCycle& cycle : find_cycles(comparisons)) {
    audit.cycles.emplace_back();
    for (const std::int32_t completion : cycle.example) audit.cycles.back().push_back(all.completions[completion]);
  }
  for (const Tally& tally : self_agreement(all.votes)) {
    audit.self_repeats += static_cast<std::int64_t>(tally.trials);
    audit.self_contradictions += static_cast<std::int64_t>(tally.trials - tally.successes);
  }
}

std::int64_t judged_items(const Votes& votes) {
  std::vector<bool> judged(votes.items);
  for (const Vote& vote : votes.list) judged[vote.item] = true;
  return std::count(judged.begin(), judged.end(), true);
}

}  // namespace

Audit audit_votes(const std::string& file, const AuditedVotes& all, const BootstrapOptions& options) {
  Audit audit{.file = file,
              .records = all.records,
              .judgments = all.judgments,
              .pairs = judged_items(all.votes),
              .both_bad = all.both_bad};
  audit.all = summaries(all, of_votes(all, [](const Vote&) { return 0; }), 1).front();
  audit.agreement = audit_agreement(all, options);
  audit_annotators(all, audit);
  audit.domains = audit_domains(all);
  audit.roles = audit_roles(all);
  audit.payment = audit_payment(all);
  audit_comparisons(all, audit);
  audit.repeats = all.repeats;
  audit.same_texts = all.same_texts;
  audit.gold_conflicts = all.gold_conflicts;
  audit.findings = audit_findings(audit);
  return audit;
}

}  // namespace rlhf
