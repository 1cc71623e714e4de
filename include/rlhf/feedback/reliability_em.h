#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/feedback/interval.h"
#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {

// Crowd-BT: annotator k votes for the better answer with probability η_k, whichever that is (Chen et al., "Pairwise
// ranking aggregation in a crowdsourced setting", 2013). η = 1 is perfect, ½ random, 0 always wrong. A reward model's
// margin R_i = r(first) − r(second) is the prior log-odds of the label of pair i, as in Raykar et al. (2010):
//   E-step: q_i = P(first is better) = σ(R_i + Σ_v y_v·ln(η_k / (1 − η_k))),  y = +1 for a vote for the first, else −1
//   M-step: η_k = (a + Σ_v P(vote v is right)) / (a + b + n_k),  a and b the counts of a Beta prior
// An anchor's q is its label, whatever the votes. Ties say nothing; of strengths the side counts.

struct ReliabilityEmOptions {
  double prior_right = 4;  ///< a
  double prior_wrong = 1;  ///< b
  double least = 0.02;     ///< bounds of η
  double most = 0.995;
  int max_rounds = 200;
  double tolerance = 1e-6;  ///< converged when no η changes by more in one round
  double level = 0.95;      ///< of the intervals
};

/// η of one annotator. The interval is normal in the log-odds. The information about them is (n + a + b)·η·(1 − η),
/// less what labels that are not certain lose, Σ_v p·(1 − p) with p = P(vote v is right): Louis, "Finding the observed
/// information matrix when using the EM algorithm" (1982), with the other annotators as given.
struct AnnotatorReliability {
  double value = 0;
  Interval interval;
  std::int64_t votes = 0;    ///< but ties
  std::int64_t anchors = 0;  ///< of these on anchors
};

struct ReliabilityEm {
  std::vector<AnnotatorReliability> annotators;  ///< [annotators]; one without votes has the prior's mean
  std::vector<double> first;                     ///< [pairs], q
  int rounds = 0;
  bool converged = false;
  std::vector<std::string> limits;  ///< what cannot be identified, a sentence each; empty if nothing
};

/// EM from where each η is what the anchors alone say of it (without any: the prior's mean), so that few anchors
/// suffice to find out that most annotators are wrong. `prior_log_odds` [pairs]: R, empty for 0 everywhere; `anchors`
/// [pairs]: +1 or −1 where the label is known, else 0, empty for none. Features and domains are not used. Errors:
/// ArgumentError, also for numbers that are not finite, and for one annotator if there are neither anchors nor prior
/// log-odds: then there is nothing to compare the votes with.
ReliabilityEm fit_reliability(const JudgedPairs& judged, const std::vector<double>& prior_log_odds,
                              const std::vector<std::int8_t>& anchors, const ReliabilityEmOptions& options = {});

}  // namespace rlhf
