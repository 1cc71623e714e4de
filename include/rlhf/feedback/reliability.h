#pragma once

#include <cstddef>
#include <vector>

#include "rlhf/feedback/scored_pairs.h"

namespace rlhf {

/// The indices of `values` [N] in at most `bins` groups of about equal size, from the lowest values to the highest. The
/// groups are separated by the quantiles k/bins, interpolated linearly; a value goes into the group after all quantiles
/// below it, so that equal values stay together, and empty groups are left out. Errors: ArgumentError for no value, a
/// value that is not finite, or no bin.
std::vector<std::vector<std::size_t>> quantile_groups(const std::vector<double>& values, int bins);

/// Pairs of which a model is about equally sure.
struct ReliabilityBin {
  std::size_t pairs = 0;
  double confidence = 0;  ///< mean of σ(|Δ|), ½ to 1
  double accuracy = 0;    ///< mean of pair_hits
};
/// The reliability diagram of a model: quantile_groups of its confidence. Errors: those of pair_hits and
/// quantile_groups. Checked against scikit-learn's calibration_curve.
std::vector<ReliabilityBin> reliability_diagram(const ScoredPairs& pairs, int bins);
/// Expected calibration error: Σ_b n_b/N·|confidence_b − accuracy_b|. With few pairs it is above 0 also for a perfectly
/// calibrated model. Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning"
/// (2015). Errors: ArgumentError for no pairs.
double expected_calibration_error(const std::vector<ReliabilityBin>& diagram);

}  // namespace rlhf
