#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/feedback/interval.h"

namespace rlhf {

// Who is reliable, and what annotators pay for, learned from a few pairs whose label is known from an expert (anchors).
// Each pair has a label t that an expert would give: +1 if the first answer is better, −1 if the second one is. The
// vote of annotator k depends on t and on the difference Δf = f(first) − f(second) of features, of which some are
// suspected biases; z = 1 where one of these is not zero (a bias is in play), else 0; p = 1 if the annotator was shown
// the first answer first, −1 if second, 0 if that is not known:
//   P(k prefers the first answer | t) = σ(α·t + π_k·p + β_k·Δf),  α = α0_k if z = 0, α1_k if z = 1
// θ_k = (α0, α1, π, β)_k ~ N(μ, diag τ²): annotators with few anchors shrink to the mean. μ ~ N(m, diag s²). θ and μ
// are the mode, τ comes from the data (empirical Bayes by Laplace's approximation). Votes are independent, given t. A
// hierarchical form of the models of Whitehill et al. (2009) and Chen et al. (2013) with covariates.
//
// With domains (law, code, …), α in domain d is α + δ_kd, δ_kd ~ N(μ_d, τ_d²), μ_d ~ N(0, 1): where an annotator has
// few anchors, δ shrinks to what the domain is for all.
//
// Ties and strengths are answers on a scale of n steps, which cut points divide symmetrically, the same for all
// annotators (cumulative logit, McCullagh 1980): with s = α·t + π·p + β·Δf and c_1 < c_2 < …,
//   P(tie) = σ(c_1 − s) − σ(−c_1 − s),  P(first, strength j) = σ(s − c_j) − σ(s − c_(j+1))
// for odd n; without a tie c_1 is 0. Two steps are the plain vote above. Where no bias is in play a tie says nothing
// about t, and a strong answer more than a weak one.

/// The answer of one annotator about one pair. Indices count from 0.
struct PairVote {
  std::int32_t pair = 0;
  std::int32_t annotator = 0;
  std::int32_t answer = 0;   ///< steps from the middle: above 0 for the first answer, below 0 for the second, 0: tie
  std::int32_t scale = 2;    ///< steps in all, 2 to 99: answers are −scale / 2 to scale / 2, but no tie if it is even
  std::int8_t position = 0;  ///< p: +1 if the first answer was shown first, −1 if second, 0: not known
};

/// Features of the pairs. Scale them so that usual differences are about 1. Mark as biases only those that are zero on
/// many pairs, else α0 has no data.
struct PairFeatures {
  std::vector<bool> is_bias;        ///< [features]
  std::vector<double> differences;  ///< [pairs, features], row-major: f(first) − f(second)
};

/// The domain of each pair. Indices count from 0.
struct PairDomains {
  std::int32_t count = 0;
  std::vector<std::int32_t> of_pair;  ///< [pairs]
};

/// Pairs and votes about them, in any order. Pairs and annotators without votes are allowed. A repeated vote counts as
/// an independent one.
struct JudgedPairs {
  std::int32_t pairs = 0;       ///< at least 1
  std::int32_t annotators = 0;  ///< at least 1
  std::vector<PairVote> votes;
  PairFeatures features;  ///< may be empty
  PairDomains domains;    ///< may be empty
};

struct LatentOptions {
  double alpha_mean = 2;      ///< m of α0 and α1; of π and β it is 0
  double alpha_variance = 1;  ///< s² of α0 and α1
  double beta_variance = 9;   ///< s² of π and β
  double least_alpha = 0.02;  ///< a smaller α counts as this one in vote_evidence: the annotator is not turned round
  int max_rounds = 15;        ///< of fitting all θ, then μ, τ and the cut points; 1 keeps those of the prior
  double tolerance = 1e-3;    ///< converged when none of μ, τ and the cut points changes by more in one round
  double level = 0.95;        ///< of the intervals
};

/// A number whose error is about normal: the interval is value ± z·standard_error.
struct NormalEstimate {
  double value = 0;
  double standard_error = 0;
  Interval interval;
};

/// What the model says about one annotator, or about the mean of all.
struct AnnotatorEstimate {
  NormalEstimate alpha0;              ///< log-odds of a right vote where no bias is in play (and the other Δf are 0)
  NormalEstimate alpha1;              ///< the same where one is, beside its pull
  std::vector<NormalEstimate> beta;   ///< [features], pull of a feature: log-odds per unit
  std::int64_t anchors = 0;           ///< the annotator's votes on anchors; of the mean: anchors with a vote
  std::int64_t anchors_in_play = 0;   ///< those where a bias is in play
  std::vector<NormalEstimate> delta;  ///< [domains], what a domain adds to α0 and α1
  std::vector<NormalEstimate> alpha0_in;  ///< [domains], α0 + δ
  std::vector<std::int64_t> anchors_in;   ///< [domains], like anchors
  NormalEstimate position;                ///< π, log-odds for the answer shown first
};

/// How much annotators differ: τ.
struct AnnotatorSpread {
  double alpha0 = 0;
  double alpha1 = 0;
  std::vector<double> beta;   ///< [features]
  std::vector<double> delta;  ///< [domains]
  double position = 0;
};

/// The cut points of a scale above 0: c_1 < c_2 < …, (scale − 1) / 2 of them.
struct ScaleCuts {
  std::int32_t scale = 2;
  std::vector<double> cuts;
};

struct LatentAnnotators {
  std::vector<AnnotatorEstimate> annotators;  ///< [annotators]; one without anchors has the mean, with its spread
  AnnotatorEstimate mean;                     ///< μ
  AnnotatorSpread spread;
  std::vector<bool> is_bias;  ///< [features]
  double least_alpha = 0;
  int rounds = 0;
  bool converged = false;
  std::vector<std::string> limits;  ///< what the anchors cannot tell, a sentence each; empty if nothing
  std::vector<ScaleCuts> scales;    ///< of the votes on anchors; other scales have cut points 1, 2, …
};

/// Fewer anchors with a bias in play are named in `limits`.
inline constexpr std::int64_t kFewAnchors = 10;

/// Fits the model to the votes on anchors. `anchors` [pairs]: the label t where an expert gave it, else 0. Errors:
/// ArgumentError, also for features that are not finite or larger than 1e6.
LatentAnnotators fit_latent_annotators(const JudgedPairs& judged, const std::vector<std::int8_t>& anchors,
                                       const LatentOptions& options = {});

/// What the votes on a pair say about its label: the sums over its votes of ln P(vote | t). Both are 0 without votes.
struct VoteEvidence {
  double log_first = 0;   ///< for t = +1
  double log_second = 0;  ///< for t = −1
  /// L, the log-odds of t = +1 from the votes alone.
  double log_odds() const { return log_first - log_second; }
};

/// [pairs], from all votes of `judged`, which need not be those of the fit; its annotators and features must be the
/// same. A pair with an anchor gets its votes' evidence too. Errors: ArgumentError.
std::vector<VoteEvidence> vote_evidence(const LatentAnnotators& model, const JudgedPairs& judged);

/// P(t = +1) = σ(R + L), R the log-odds before the votes: a reward model's r(first) − r(second).
double label_probability(double prior_log_odds, const VoteEvidence& evidence);

}  // namespace rlhf
