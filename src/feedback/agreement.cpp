// Agreement of many annotators, from the votes per item and choice.
#include "rlhf/feedback/agreement.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "feedback/check_sizes.h"

namespace rlhf {
namespace {

/// The counts of item i, and their sum.
struct ItemCounts {
  const std::int32_t* of_choice;
  double total;
};

ItemCounts item_counts(const VoteCounts& counts, std::int32_t item) {
  const std::int32_t* row = counts.counts.data() + static_cast<std::size_t>(item) * counts.choices;
  return {row, std::accumulate(row, row + counts.choices, 0.0)};
}

/// p_c: the mean over items with votes of the share of their votes for c.
std::vector<double> mean_shares(const VoteCounts& counts) {
  std::vector<double> shares(counts.choices);
  double items = 0;
  for (std::int32_t i = 0; i < counts.items; ++i) {
    const ItemCounts item = item_counts(counts, i);
    if (item.total == 0) continue;
    ++items;
    for (std::int32_t c = 0; c < counts.choices; ++c) shares[c] += item.of_choice[c] / item.total;
  }
  for (double& share : shares) share /= items;
  return shares;
}

std::optional<double> beyond_chance(std::optional<double> agreement, double chance) {
  if (!agreement || chance >= 1) return std::nullopt;
  return (*agreement - chance) / (1 - chance);
}

/// o_cd, [K,K]: the pairs of votes on one item, each item weighted so that it counts as many pairs as it has votes.
std::vector<double> coincidences(const VoteCounts& counts) {
  std::vector<double> found(static_cast<std::size_t>(counts.choices) * counts.choices);
  for (std::int32_t i = 0; i < counts.items; ++i) {
    const ItemCounts item = item_counts(counts, i);
    if (item.total < 2) continue;
    for (std::int32_t c = 0; c < counts.choices; ++c)
      for (std::int32_t d = 0; d < counts.choices; ++d)
        found[c * counts.choices + d] += 1.0 * item.of_choice[c] * (item.of_choice[d] - (c == d)) / (item.total - 1);
  }
  return found;
}

}  // namespace

std::optional<double> percent_agreement(const VoteCounts& counts) {
  check_counts(counts);
  double sum = 0, items = 0;
  for (std::int32_t i = 0; i < counts.items; ++i) {
    const ItemCounts item = item_counts(counts, i);
    if (item.total < 2) continue;
    ++items;
    double agreeing = 0;
    for (std::int32_t c = 0; c < counts.choices; ++c) agreeing += item.of_choice[c] * (item.of_choice[c] - 1.0);
    sum += agreeing / (item.total * (item.total - 1));
  }
  if (items == 0) return std::nullopt;
  return sum / items;
}

std::optional<double> fleiss_kappa(const VoteCounts& counts) {
  const auto agreement = percent_agreement(counts);
  const auto shares = mean_shares(counts);
  return beyond_chance(agreement, std::inner_product(shares.begin(), shares.end(), shares.begin(), 0.0));
}

std::optional<double> gwet_ac1(const VoteCounts& counts) {
  const auto agreement = percent_agreement(counts);
  double chance = 0, most = 0;
  for (const double share : mean_shares(counts)) {
    chance += share * (1 - share) / (counts.choices - 1);
    most = std::max(most, share);
  }
  if (most == 1) return std::nullopt;
  return beyond_chance(agreement, chance);
}

std::optional<double> krippendorff_alpha(const VoteCounts& counts, const Disagreement& disagreement) {
  check_counts(counts);
  check_disagreement(disagreement, counts.choices);
  const std::vector<double> pairs = coincidences(counts);
  const std::int32_t choices = counts.choices;
  std::vector<double> margins(choices);
  for (std::int32_t c = 0; c < choices; ++c)
    margins[c] = std::accumulate(pairs.begin() + c * choices, pairs.begin() + (c + 1) * choices, 0.0);
  const double total = std::accumulate(margins.begin(), margins.end(), 0.0);
  double observed = 0, expected = 0;
  for (std::int32_t c = 0; c < choices; ++c)
    for (std::int32_t d = 0; d < choices; ++d) {
      observed += pairs[c * choices + d] * disagreement.weights[c * choices + d];
      expected += margins[c] * margins[d] * disagreement.weights[c * choices + d];
    }
  if (expected <= 0) return std::nullopt;
  return 1 - (total - 1) * observed / expected;
}

double vote_accuracy(double percent_agreement) {
  check_argument(percent_agreement >= 0 && percent_agreement <= 1, "percent_agreement", "a number from 0 to 1",
                 percent_agreement);
  return percent_agreement <= 0.5 ? 0.5 : (1 + std::sqrt(2 * percent_agreement - 1)) / 2;
}

}  // namespace rlhf
