// What the annotators of a file pay for.
#include <algorithm>
#include <cstddef>
#include <string>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "audit.h"

namespace rlhf {
namespace {

constexpr std::size_t kLeastVotes = 20;
constexpr std::uint64_t kSides = 0x7369646573;  // the purpose of these random numbers

/// Votes that are not ties, with the completions of each item in a random order: in files of pairs the chosen one is
/// always the first, and where every target is 1 there is nothing to fit.
struct Rows {
  std::vector<TextFeatures> left, right;
  std::vector<double> targets;  ///< the left one was chosen
  std::vector<double> shown;    ///< 1: the left one was shown first; −1: the right one; 0: not known
  std::vector<std::int32_t> records, annotators;
};

Rows rows_of(const AuditedVotes& all) {
  Rows rows;
  for (std::size_t v = 0; v < all.votes.list.size(); ++v) {
    const Vote& vote = all.votes.list[v];
    if (vote.choice == kTied) continue;
    const AuditedItem& item = all.items[vote.item];
    const auto left = static_cast<std::int32_t>(random_below(0, kSides, vote.item, 2));
    const std::int32_t first = all.details.shown_first[v];
    rows.left.push_back(all.features[left == kFirst ? item.completions.first : item.completions.second]);
    rows.right.push_back(all.features[left == kFirst ? item.completions.second : item.completions.first]);
    rows.targets.push_back(vote.choice == left ? 1 : 0);
    rows.shown.push_back(first == kNoChoice ? 0 : first == left ? 1 : -1);
    rows.records.push_back(item.record);
    rows.annotators.push_back(vote.annotator);
  }
  return rows;
}

/// The differences of the features, and the place as a further column if it is known of some.
FeatureTable table_of(const Rows& rows) {
  const FeatureTable texts = feature_differences(rows.left, rows.right);
  if (std::all_of(rows.shown.begin(), rows.shown.end(), [](double side) { return side == 0; })) return texts;
  FeatureTable table{texts.names, {}};
  table.names.emplace_back("shown_first");
  const std::size_t columns = texts.names.size();
  for (std::size_t n = 0; n < rows.shown.size(); ++n) {
    for (std::size_t f = 0; f < columns; ++f) table.values.push_back(texts.values[n * columns + f]);
    table.values.push_back(rows.shown[n]);
  }
  return table;
}

bool several(const std::vector<std::int32_t>& clusters) {
  return std::any_of(clusters.begin(), clusters.end(), [&](std::int32_t one) { return one != clusters.front(); });
}

/// The fit with the clusters that give the wider interval, for each feature.
std::vector<Coefficient> fit(LogisticData data, const Rows& rows) {
  std::vector<Coefficient> widest;
  for (const auto* clusters : {&rows.records, &rows.annotators}) {
    data.clusters = several(*clusters) ? *clusters : std::vector<std::int32_t>{};
    const std::vector<Coefficient> found = fit_logistic(data, {.ridge = 1}).coefficients;
    if (widest.empty()) widest = found;
    for (std::size_t f = 0; f < found.size(); ++f)
      if (found[f].standard_error > widest[f].standard_error) widest[f] = found[f];
  }
  widest.pop_back();  // the intercept: the pull of a random side
  return widest;
}

}  // namespace

PaymentPart audit_payment(const AuditedVotes& all) {
  const Rows rows = rows_of(all);
  PaymentPart part;
  part.votes = static_cast<std::int64_t>(rows.targets.size());
  if (rows.targets.size() < kLeastVotes) {
    part.missing = "needs at least " + std::to_string(kLeastVotes) + " votes that are not ties";
    return part;
  }
  const FeatureTable table = table_of(rows);
  if (table.names.empty()) {
    part.missing = "needs completions that differ in some feature";
    return part;
  }
  try {
    part.features = fit({.features = table, .targets = rows.targets, .weights = {}, .clusters = {}}, rows);
  } catch (const NumericsError&) {
    part.missing = "needs votes for both sides";
  }
  return part;
}

}  // namespace rlhf
