// Computes the report on a reward model.
#include "reward_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/feedback/agreement.h"
#include "rlhf/feedback/rank_statistics.h"

#include "reward_findings.h"

namespace rlhf {
namespace {

constexpr int kLengthBins = 5;

ScoredPairs divided(ScoredPairs pairs, double temperature) {
  for (double& margin : pairs.margins) margin /= temperature;
  return pairs;
}

/// What a judge gets who reads only the lengths and prefers the longer answer.
std::vector<double> length_hits(const EvidenceSlice& slice) { return pair_hits({slice.lengths, slice.pairs.truths}); }

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The accuracy of a single vote that follows from how often two of them agree; it grows with that.
std::optional<Estimate> ceiling_of(const GroupedValues& agreement, const BootstrapOptions& bootstrap) {
  auto found = grouped_mean(agreement, bootstrap);
  if (!found) return std::nullopt;
  found->value = vote_accuracy(found->value);
  if (found->interval) found->interval = {vote_accuracy(found->interval->low), vote_accuracy(found->interval->high)};
  return found;
}

RewardRow row_of(const std::string& name, const EvidenceSlice& slice, const ReportOptions& options) {
  const auto estimate = [&](std::vector<double> values) {
    return grouped_mean({std::move(values), slice.prompts}, options.bootstrap).value();
  };
  return {.name = name,
          .pairs = slice.prompts.size(),
          .prompts = std::set(slice.prompts.begin(), slice.prompts.end()).size(),
          .accuracy = estimate(pair_hits(slice.pairs)),
          .loss = estimate(pair_losses(slice.pairs)),
          .brier = estimate(squared_errors(slice.pairs)),
          .calibration_error = expected_calibration_error(reliability_diagram(slice.pairs, options.bins)),
          .temperature = fit_temperature(slice.pairs),
          .longer = mean(length_hits(slice)),
          .ceiling = ceiling_of(slice.agreement, options.bootstrap)};
}

std::vector<RewardRow> rows_of(const RewardEvidence& evidence, const ReportOptions& options) {
  std::vector<RewardRow> rows = {row_of("all", evidence.all, options)};
  const auto add = [&](const std::string& name, const EvidenceSlice& slice) {
    if (!slice.prompts.empty()) rows.push_back(row_of(name, slice, options));
  };
  for (const auto& [domain, slice] : evidence.domains) add("domain " + domain, slice);
  for (std::size_t role = 0; role < evidence.roles.size(); ++role)
    add("role " + std::string(name_of(static_cast<AnnotatorRole>(role))), evidence.roles[role]);
  add("gold", evidence.gold);
  return rows;
}

std::optional<double> mean_of_domains(const std::map<std::string, EvidenceSlice>& domains) {
  std::vector<double> accuracies;
  for (const auto& [name, slice] : domains)
    if (!slice.prompts.empty()) accuracies.push_back(mean(pair_hits(slice.pairs)));
  return accuracies.empty() ? std::nullopt : std::optional(mean(accuracies));
}

/// By the difference of the lengths, in groups of equal size.
std::vector<LengthPart::Bin> length_bins(const EvidenceSlice& slice, const std::vector<double>& hits) {
  std::vector<LengthPart::Bin> bins;
  for (const auto& group : quantile_groups(slice.lengths, kLengthBins)) {
    LengthPart::Bin bin{slice.lengths[group.front()], slice.lengths[group.front()], group.size(), 0};
    for (const std::size_t i : group) {
      bin.shortest = std::min(bin.shortest, slice.lengths[i]);
      bin.longest = std::max(bin.longest, slice.lengths[i]);
      bin.accuracy += hits[i] / static_cast<double>(group.size());
    }
    bins.push_back(bin);
  }
  return bins;
}

LengthPart length_part(const RewardEvidence& evidence, const BootstrapOptions& bootstrap) {
  const EvidenceSlice& slice = evidence.all;
  const std::vector<double> hits = pair_hits(slice.pairs);
  std::vector<double> alone = length_hits(slice);
  LengthPart part{.longer_wins = mean(alone) >= 0.5};
  if (!part.longer_wins)
    for (double& hit : alone) hit = 1 - hit;
  GroupedValues longer, shorter, gain;
  double different = 0, prefers_longer = 0;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    gain.add(hits[i] - alone[i], slice.prompts[i]);
    const double length = slice.lengths[i], margin = slice.pairs.margins[i];
    part.equal += length == 0;
    if (length == 0) continue;
    (length > 0 ? longer : shorter).add(hits[i], slice.prompts[i]);
    ++different;
    prefers_longer += margin == 0 ? 0.5 : (margin > 0) == (length > 0);
  }
  part.longer_right = {longer.values.size(), grouped_mean(longer, bootstrap)};
  part.shorter_right = {shorter.values.size(), grouped_mean(shorter, bootstrap)};
  part.gap = grouped_difference(longer, shorter, bootstrap);
  part.alone = grouped_mean({std::move(alone), slice.prompts}, bootstrap).value();
  part.gain = grouped_mean(gain, bootstrap).value();
  if (different > 0) part.prefers_longer = prefers_longer / different;
  part.rank_correlation = spearman_within(evidence.scores, evidence.lengths, evidence.prompts);
  part.bins = length_bins(slice, hits);
  return part;
}

std::optional<double> ties_auc(const RewardEvidence& evidence) {
  std::vector<double> others;
  for (const double margin : evidence.all.pairs.margins) others.push_back(std::abs(margin));
  return roc_auc(evidence.tied, others);
}

RewardReport::Kept kept_part(const ScoredPairs& pairs, const ReportOptions& options) {
  const ScoredPairs scaled = divided(pairs, *options.kept_temperature);
  return {*options.kept_temperature, mean(pair_losses(scaled)),
          expected_calibration_error(reliability_diagram(scaled, options.bins))};
}

}  // namespace

RewardReport make_reward_report(const RewardEvidence& evidence, const ReportOptions& options) {
  if (evidence.all.prompts.empty())
    throw DataError("the data: expected at least one pair with a better answer that is short enough, found none");
  RewardReport report{.records = evidence.records, .rows = rows_of(evidence, options)};
  report.mean_of_domains = mean_of_domains(evidence.domains);
  report.length = length_part(evidence, options.bootstrap);
  report.diagram = reliability_diagram(evidence.all.pairs, options.bins);
  report.ties = evidence.tied.size();
  report.ties_auc = ties_auc(evidence);
  report.best_of_n = grouped_mean(evidence.best_of_n, options.bootstrap);
  report.styled = evidence.styled.size();
  if (report.styled > 0) report.styles = style_matrix(evidence.styled);
  report.swapped = evidence.margins_swapped.size();
  if (report.swapped > 0) report.swap = swap_asymmetry(evidence.margins_read, evidence.margins_swapped);
  if (options.kept_temperature) report.kept = kept_part(evidence.all.pairs, options);
  report.findings = reward_findings(report);
  return report;
}

}  // namespace rlhf
