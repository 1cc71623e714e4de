#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rlhf {

/// Spearman's rank correlation: Pearson's correlation of the ranks of `x` and `y` [N], where equal values share the
/// mean of their ranks. nullopt if all x or all y are equal. Checked against scipy. Errors: ArgumentError for sizes
/// that do not fit and values that are not finite.
std::optional<double> spearman(const std::vector<double>& x, const std::vector<double>& y);

/// The mean over groups of spearman within each group; groups in which it is undefined are left out, nullopt if all
/// are. `groups` [N]: the group of each value. Errors: as spearman.
std::optional<double> spearman_within(const std::vector<double>& x, const std::vector<double>& y,
                                      const std::vector<std::int32_t>& groups);

/// The probability that a random value of `positives` is above one of `negatives`, where equal values count half: the
/// area under the ROC curve. nullopt if one is empty. Hanley and McNeil (1982). Checked against scikit-learn. Errors:
/// ArgumentError for values that are not finite.
std::optional<double> roc_auc(const std::vector<double>& negatives, const std::vector<double>& positives);

}  // namespace rlhf
