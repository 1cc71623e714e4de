// Agreement of the annotators of a file.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "rlhf/feedback/agreement.h"

#include "audit.h"

namespace rlhf {
namespace {

/// The first vote of each annotator on each item, by index.
std::vector<std::size_t> first_votes(const Votes& votes) {
  std::unordered_set<std::int64_t> seen;
  std::vector<std::size_t> first;
  for (std::size_t v = 0; v < votes.list.size(); ++v) {
    const Vote& vote = votes.list[v];
    if (seen.insert(static_cast<std::int64_t>(vote.item) * votes.annotators + vote.annotator).second)
      first.push_back(v);
  }
  return first;
}

/// Resamples of records as resamples of their items.
class RecordBootstrap {
 public:
  RecordBootstrap(const std::vector<AuditedItem>& items, const BootstrapOptions& options) : options_(options) {
    for (std::size_t i = 0; i < items.size(); ++i)
      if (i == 0 || items[i].record != items[i - 1].record) begins_.push_back(i);
    begins_.push_back(items.size());
  }

  template <typename Function>
  std::optional<Estimate> operator()(const VoteCounts& counts, const Function& statistic) const {
    const std::optional<double> value = statistic(counts);
    if (!value) return std::nullopt;
    return Estimate{*value, bootstrap_interval(begins_.size() - 1, options_, [&](const auto& records) {
                      return statistic(select_items(counts, items_of(records)));
                    })};
  }

 private:
  std::vector<std::size_t> items_of(const std::vector<std::size_t>& records) const {
    std::vector<std::size_t> items;
    items.reserve(records.size());
    for (const std::size_t record : records)
      for (std::size_t item = begins_[record]; item < begins_[record + 1]; ++item) items.push_back(item);
    return items;
  }

  BootstrapOptions options_;
  std::vector<std::size_t> begins_;  ///< [records + 1]
};

std::int64_t shared_items(const VoteCounts& counts) {
  std::int64_t shared = 0;
  for (auto row = counts.counts.begin(); row != counts.counts.end(); row += counts.choices)
    shared += std::accumulate(row, row + counts.choices, 0) >= 2;
  return shared;
}

bool by_one(const Votes& votes) {
  return std::all_of(votes.list.begin(), votes.list.end(),
                     [&](const Vote& vote) { return vote.annotator == votes.list.front().annotator; });
}

/// The signed strength of each vote, or its sign if some choice has no strength.
std::vector<double> preferences(const AuditedVotes& all, bool strengths) {
  if (strengths) return all.strengths;
  std::vector<double> signs;
  for (const Vote& vote : all.votes.list) signs.push_back(vote.choice == kTied ? 0 : vote.choice == kFirst ? 1 : -1);
  return signs;
}

bool all_have_strengths(const AuditedVotes& all) {
  return std::none_of(all.strengths.begin(), all.strengths.end(), [](double share) { return std::isnan(share); });
}

std::optional<Estimate> interval_alpha(const AuditedVotes& all, const std::vector<std::size_t>& first, bool strengths,
                                       const RecordBootstrap& bootstrap) {
  const std::vector<double> values = preferences(all, strengths);
  std::vector<double> levels;
  for (const std::size_t v : first) levels.push_back(values[v]);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  if (levels.size() < 2) return std::nullopt;
  Votes votes{all.votes.items, all.votes.annotators, static_cast<std::int32_t>(levels.size()), {}};
  for (const std::size_t v : first) {
    const auto level = std::lower_bound(levels.begin(), levels.end(), values[v]) - levels.begin();
    votes.list.push_back({all.votes.list[v].item, all.votes.list[v].annotator, static_cast<std::int32_t>(level)});
  }
  const Disagreement disagreement = interval_disagreement(levels);
  return bootstrap(count_votes(votes),
                   [&](const VoteCounts& counts) { return krippendorff_alpha(counts, disagreement); });
}

std::optional<Estimate> noise_ceiling(Votes votes, const RecordBootstrap& bootstrap) {
  std::erase_if(votes.list, [](const Vote& vote) { return vote.choice == kTied; });
  votes.choices = 2;
  if (votes.list.empty() || by_one(votes)) return std::nullopt;
  return bootstrap(count_votes(votes), [](const VoteCounts& counts) -> std::optional<double> {
    const auto agreement = percent_agreement(counts);
    return agreement ? std::optional(vote_accuracy(*agreement)) : std::nullopt;
  });
}

AgreementPart::Cohen cohen_of(const Votes& votes, std::int32_t first, std::int32_t second,
                              const BootstrapOptions& options) {
  const PairedChoices pairs = paired_choices(votes, first, second);
  const Disagreement disagreement = nominal_disagreement(votes.choices);
  AgreementPart::Cohen found{first, second, static_cast<std::int64_t>(pairs.first.size()), {}};
  const auto kappa = pairs.first.empty() ? std::nullopt : cohen_kappa(pairs, disagreement);
  if (!kappa) return found;
  found.kappa = Estimate{*kappa, bootstrap_interval(pairs.first.size(), options, [&](const auto& drawn) {
                           PairedChoices resample{pairs.choices, {}, {}};
                           for (const std::size_t i : drawn) {
                             resample.first.push_back(pairs.first[i]);
                             resample.second.push_back(pairs.second[i]);
                           }
                           return cohen_kappa(resample, disagreement);
                         })};
  return found;
}

}  // namespace

AgreementPart audit_agreement(const AuditedVotes& all, const BootstrapOptions& options) {
  AgreementPart part;
  if (by_one(all.votes)) return part;
  const RecordBootstrap bootstrap(all.items, options);
  const std::vector<std::size_t> first = first_votes(all.votes);
  Votes votes = all.votes;
  votes.list.clear();
  for (const std::size_t v : first) votes.list.push_back(all.votes.list[v]);
  const VoteCounts counts = count_votes(votes);
  const Disagreement nominal = nominal_disagreement(votes.choices);
  part.shared = shared_items(counts);
  part.percent = bootstrap(counts, percent_agreement);
  part.fleiss = bootstrap(counts, fleiss_kappa);
  part.krippendorff = bootstrap(counts, [&](const VoteCounts& some) { return krippendorff_alpha(some, nominal); });
  part.ac1 = bootstrap(counts, gwet_ac1);
  part.strengths = all_have_strengths(all);
  part.interval = interval_alpha(all, first, part.strengths, bootstrap);
  part.ceiling = noise_ceiling(votes, bootstrap);
  if (all.annotators.size() > kMostForCohen) return part;
  for (std::int32_t a = 0; a < votes.annotators; ++a)
    for (std::int32_t b = a + 1; b < votes.annotators; ++b) part.cohen.push_back(cohen_of(votes, a, b, options));
  return part;
}

}  // namespace rlhf
