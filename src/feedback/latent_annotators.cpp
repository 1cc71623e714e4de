// The annotators, fitted to their votes on anchors.
#include "rlhf/feedback/latent_annotators.h"

#include <cmath>

#include "feedback/hierarchical_logit.h"
#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_anchors(const std::vector<std::int8_t>& anchors, const JudgedPairs& judged) {
  check_argument(anchors.size() == static_cast<std::size_t>(judged.pairs), "anchors", "one entry per pair",
                 anchors.size());
  for (const std::int8_t anchor : anchors)
    check_argument(anchor >= -1 && anchor <= 1, "anchors", "1, -1 or 0", static_cast<int>(anchor));
}

void check_options(const LatentOptions& options) {
  check_argument(std::isfinite(options.alpha_mean), "alpha_mean", "a finite number", options.alpha_mean);
  check_argument(options.alpha_variance > 0 && std::isfinite(options.alpha_variance), "alpha_variance",
                 "a finite number above 0", options.alpha_variance);
  check_argument(options.beta_variance > 0 && std::isfinite(options.beta_variance), "beta_variance",
                 "a finite number above 0", options.beta_variance);
  check_argument(!std::isnan(options.least_alpha), "least_alpha", "a number", options.least_alpha);
  check_argument(options.max_rounds >= 1, "max_rounds", "at least 1", options.max_rounds);
  check_argument(options.tolerance >= 0, "tolerance", "at least 0", options.tolerance);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
}

/// The covariates of θ in the predictor of a vote on a pair with label t: (t·(1 − z), t·z, Δf).
void append_row(std::vector<double>& rows, const JudgedPairs& judged, std::size_t pair, double t) {
  const bool z = in_play(judged, pair);
  rows.push_back(z ? 0 : t);
  rows.push_back(z ? t : 0);
  for (std::size_t f = 0; f < features_of(judged); ++f) rows.push_back(difference(judged, pair, f));
}

/// The votes on anchors by annotator, with the annotators that have some: the others say nothing about μ and τ.
struct Anchored {
  std::vector<std::size_t> annotators;
  std::vector<GroupAnswers> answers;
};

Anchored anchored_votes(const JudgedPairs& judged, const std::vector<std::int8_t>& anchors) {
  std::vector<GroupAnswers> all(judged.annotators);
  for (const PairVote& vote : judged.votes) {
    if (anchors[vote.pair] == 0) continue;
    append_row(all[vote.annotator].rows, judged, vote.pair, anchors[vote.pair]);
    all[vote.annotator].ranges.push_back(range_of(vote));
  }
  Anchored found;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (all[k].ranges.empty()) continue;
    found.annotators.push_back(k);
    found.answers.push_back(std::move(all[k]));
  }
  return found;
}

AnnotatorEstimate estimate(const std::vector<double>& theta, const SymmetricMatrix& covariance, double level) {
  const double z = normal_quantile((1 + level) / 2);
  const auto coordinate = [&](std::size_t j) {
    const double error = std::sqrt(covariance.at(j, j));
    return NormalEstimate{theta[j], error, {theta[j] - z * error, theta[j] + z * error}};
  };
  AnnotatorEstimate found{coordinate(kAlpha0), coordinate(kAlpha1), {}};
  for (std::size_t j = kBeta; j < theta.size(); ++j) found.beta.push_back(coordinate(j));
  return found;
}

/// The covariance of an annotator without anchors: of μ, plus τ².
SymmetricMatrix covariance_of_new(const HierarchicalFit& fit) {
  SymmetricMatrix found = fit.mean_covariance;
  for (std::size_t j = 0; j < found.size; ++j) found.at(j, j) += fit.variance[j];
  return found;
}

void count_anchors(LatentAnnotators& model, const JudgedPairs& judged, const std::vector<std::int8_t>& anchors) {
  std::vector<bool> counted(judged.pairs);
  for (const PairVote& vote : judged.votes) {
    if (anchors[vote.pair] == 0) continue;
    const bool z = in_play(judged, vote.pair), again = counted[vote.pair];
    ++model.annotators[vote.annotator].anchors;
    model.annotators[vote.annotator].anchors_in_play += z;
    model.mean.anchors += !again;
    model.mean.anchors_in_play += z && !again;
    counted[vote.pair] = true;
  }
}

std::vector<std::string> limits_of(const LatentAnnotators& model, std::size_t fitted) {
  const AnnotatorEstimate& mean = model.mean;
  if (mean.anchors == 0) return {"no anchor has a vote: reliability and biases are those of the prior"};
  std::vector<std::string> limits;
  if (fitted == 1) limits.push_back("one annotator has anchors: how much annotators differ is that of the prior");
  const bool any_bias = std::find(model.is_bias.begin(), model.is_bias.end(), true) != model.is_bias.end();
  if (any_bias && mean.anchors_in_play < kFewAnchors)
    limits.push_back("a bias is in play on " + std::to_string(mean.anchors_in_play) + " anchors, fewer than " +
                     std::to_string(kFewAnchors) + ": alpha1 and beta lean on the prior");
  return limits;
}

HierarchicalFit fit_parameters(const std::vector<GroupAnswers>& answers, std::size_t features,
                               const LatentOptions& options) {
  HierarchicalOptions hierarchical{
      {{options.alpha_mean, options.alpha_mean}, {options.alpha_variance, options.alpha_variance}},
      options.max_rounds,
      options.tolerance};
  hierarchical.mean_prior.mean.resize(kBeta + features, 0);
  hierarchical.mean_prior.variance.resize(kBeta + features, options.beta_variance);
  return fit_hierarchical(answers, hierarchical);
}

}  // namespace

LatentAnnotators fit_latent_annotators(const JudgedPairs& judged, const std::vector<std::int8_t>& anchors,
                                       const LatentOptions& options) {
  check_judged(judged);
  check_anchors(anchors, judged);
  check_options(options);
  const Anchored anchored = anchored_votes(judged, anchors);
  const HierarchicalFit fit = fit_parameters(anchored.answers, features_of(judged), options);
  LatentAnnotators model;
  const AnnotatorEstimate unknown = estimate(fit.mean, covariance_of_new(fit), options.level);
  model.annotators.assign(judged.annotators, unknown);
  for (std::size_t g = 0; g < anchored.annotators.size(); ++g)
    model.annotators[anchored.annotators[g]] = estimate(fit.theta[g], fit.covariance[g], options.level);
  model.mean = estimate(fit.mean, fit.mean_covariance, options.level);
  model.spread = {std::sqrt(fit.variance[kAlpha0]), std::sqrt(fit.variance[kAlpha1]), {}};
  for (std::size_t j = kBeta; j < fit.variance.size(); ++j) model.spread.beta.push_back(std::sqrt(fit.variance[j]));
  model.is_bias = judged.features.is_bias;
  model.least_alpha = options.least_alpha;
  model.rounds = fit.rounds;
  model.converged = fit.converged;
  count_anchors(model, judged, anchors);
  model.limits = limits_of(model, anchored.annotators.size());
  return model;
}

}  // namespace rlhf
