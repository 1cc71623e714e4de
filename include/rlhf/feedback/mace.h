#pragma once

#include <cstdint>
#include <vector>

#include "rlhf/feedback/em.h"
#include "rlhf/feedback/labels.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

struct MacePrior {
  double spamming = 0.5;  ///< Beta(spamming, knowing) for s_k
  double knowing = 0.5;
  double habit = 10;  ///< symmetric Dirichlet for ξ_k
};

/// Annotators who either know the truth or answer out of habit (multi-annotator competence estimation):
///   P(vote l of annotator k | truth c) = (1 − s_k)·1[l = c] + s_k·ξ_k(l); every choice is equally likely to be true
/// Fitted by variational EM: with expected counts n and prior a, the M-step sets θ_j = exp(ψ(n_j + a_j) − ψ(Σ n + a)).
/// The first start is s = ½ and ξ = 1/K; of it and the random ones, the fit with the highest likelihood is returned.
/// Hovy et al., "Learning whom to trust with MACE" (NAACL 2013). Checked against crowd-kit (method "vb") from the same
/// start.
struct Mace {
  LabelPosterior labels;
  std::vector<double> competence;  ///< expected share of votes cast knowing the truth, E[1 − s], [annotators]
  std::vector<double> habits;      ///< E[ξ], [annotators, choices]; rows add up to 1
  EmReport report;                 ///< of the best start; `objective` has no priors
};

struct MaceOptions {
  MacePrior prior;
  EmOptions em;
  int starts = 10;
  std::uint64_t seed = 0;
};
/// Errors: ArgumentError.
Mace fit_mace(const Votes& votes, const MaceOptions& options = {});

}  // namespace rlhf
