#pragma once

#include <vector>

#include "rlhf/feedback/em.h"
#include "rlhf/feedback/labels.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

/// A prior for what annotators do, in votes that are added to the counted ones: `right` for the true choice, `wrong`
/// spread evenly over the others. At least 0; more right than wrong says that most annotators know more than chance,
/// without which a model and its mirror image explain votes between two choices equally well.
struct PseudoVotes {
  double right = 4;
  double wrong = 1;
};

/// Annotators with a confusion matrix each: P(vote l of annotator k | truth c) = π^k_cl, P(truth c) = p_c.
///   E: q_i(c) ∝ p_c·Π_k π^k_c,l(i,k)     (gold: q_i is 1 for the true choice)
///   M: π^k_cl ∝ Σ_i q_i(c)·1[l(i,k) = l] + pseudo-votes,  p_c ∝ Σ_i q_i(c)
/// An expected count is at least 1e-10, so that nothing is impossible.
/// Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm" (1979). Checked
/// against crowd-kit.
struct DawidSkene {
  LabelPosterior labels;
  std::vector<double> class_shares;  ///< p, [choices]
  std::vector<double> confusion;     ///< π, [annotators, choices of the truth, choices of the vote]; rows add up to 1
  EmReport report;
};
/// Errors: ArgumentError.
DawidSkene fit_dawid_skene(const Votes& votes, const PseudoVotes& prior = {}, const EmOptions& options = {});

/// The same with one number per annotator: the accuracy η_k, whatever the truth is; wrong votes are spread evenly over
/// the other choices. M: η_k = (Σ_i q_i(l(i,k)) + right) / (votes of k + right + wrong).
struct OneCoin {
  LabelPosterior labels;
  std::vector<double> class_shares;  ///< [choices]
  std::vector<double> accuracy;      ///< η, [annotators]
  std::vector<double> standard_errors;  ///< of η, [annotators]: 1/√(Σ_i s_i² + prior), s_i = (q_i − η)/(η·(1 − η))
  EmReport report;
};
/// Errors: ArgumentError.
OneCoin fit_one_coin(const Votes& votes, const PseudoVotes& prior = {}, const EmOptions& options = {});

}  // namespace rlhf
