#pragma once

#include <vector>

#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {

struct TrustOptions {
  double precision = 1;  ///< of the prior α ~ N(1, 1 / precision), above 0
  double level = 0.95;   ///< of the intervals
};

/// How far to trust each annotator, given margins R = r(first) − r(second) of a reward model: a vote y (+1 for the
/// first answer, else −1) follows σ(α_k·y·R). Above 0 the annotator is trusted, near 0 ignored, below 0 turned round.
/// α_k is the mode of its posterior, the error from the curvature there. The prior also holds the scale that α and r
/// share, and their sign. The loss of a vote for the reward model is −ln σ(α_k·y·R).
///
/// `margins` [pairs]; 0 where there is none yet, which says nothing. A training run that keeps the newest margin of
/// each pair can call this every few steps. Ties say nothing; of strengths the side counts. Features and domains are
/// not used. Returns [annotators], the prior for those without votes. Errors: ArgumentError.
std::vector<NormalEstimate> fit_trust(const JudgedPairs& judged, const std::vector<double>& margins,
                                      const TrustOptions& options = {});

}  // namespace rlhf
