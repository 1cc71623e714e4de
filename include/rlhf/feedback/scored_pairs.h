#pragma once

#include <optional>
#include <vector>

namespace rlhf {

/// Pairs of responses as a reward model and the judges see them.
struct ScoredPairs {
  std::vector<double> margins;  ///< Δ = score of the first response − score of the second, [N], finite
  std::vector<double> truths;   ///< t, the probability that the first is better, 0 to 1, [N]: 1 for a plain label, the
                                ///< share of the votes for it where there are several
};

// What a model that predicts P(first is better) = σ(Δ) gets from each pair, [N]; grouped_mean.h averages. Errors of all
// functions: ArgumentError for sizes that do not fit, margins that are not finite and truths outside 0 to 1.

/// The probability that a vote agrees with the model: t for Δ > 0, 1 − t for Δ < 0, ½ for Δ = 0. The mean is the
/// accuracy; a model that gives all responses the same score has ½.
std::vector<double> pair_hits(const ScoredPairs& pairs);
/// −t·ln σ(Δ) − (1 − t)·ln σ(−Δ), in nats: the mean is the negative log-likelihood of the votes (NLL).
std::vector<double> pair_losses(const ScoredPairs& pairs);
/// (σ(Δ) − t)²: the mean is Brier's score (1950).
std::vector<double> squared_errors(const ScoredPairs& pairs);

/// The temperature T > 0 that minimises the mean of pair_losses of Δ/T (Newton's method in 1/T, between bounds). Above
/// 1: the model is surer than it should be. Guo et al., "On calibration of modern neural networks" (2017). nullopt if
/// there is none: the model orders the pairs no better than chance, or without any error. Checked against scipy and
/// scikit-learn's logistic regression.
std::optional<double> fit_temperature(const ScoredPairs& pairs);

/// How far a judge of pairs depends on the order in which it reads them.
struct SwapAsymmetry {
  double changed = 0;  ///< share of pairs whose preferred response changes
  double largest = 0;  ///< max |Δ_i + Δ'_i|
};
/// `swapped` [N] are the margins Δ' of the pairs read in the other order, which should be −Δ. Errors: ArgumentError for
/// no pairs, sizes that do not fit and margins that are not finite.
SwapAsymmetry swap_asymmetry(const std::vector<double>& margins, const std::vector<double>& swapped);

}  // namespace rlhf
