// The annotators, fitted to their votes on anchors.
#include "rlhf/feedback/latent_annotators.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "rlhf/core/check_argument.h"

#include "feedback/answer_scale.h"
#include "feedback/hierarchical_logit.h"
#include "feedback/latent_limits.h"
#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_variance(double variance, std::string_view name) {
  check_argument(variance > 0 && std::isfinite(variance), name, "a finite number above 0", variance);
}

void check_options(const LatentOptions& options) {
  check_argument(std::isfinite(options.alpha_mean), "alpha_mean", "a finite number", options.alpha_mean);
  check_variance(options.alpha_variance, "alpha_variance");
  check_variance(options.beta_variance, "beta_variance");
  check_argument(!std::isnan(options.least_alpha), "least_alpha", "a number", options.least_alpha);
  check_argument(options.max_rounds >= 1, "max_rounds", "at least 1", options.max_rounds);
  check_argument(options.tolerance >= 0, "tolerance", "at least 0", options.tolerance);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
}

/// The covariates of θ in the predictor of a vote on a pair with label t: (t·(1 − z), t·z, p, Δf, t·1[domain]).
void append_row(std::vector<double>& rows, const JudgedPairs& judged, const PairVote& vote, double t) {
  const bool z = in_play(judged, vote.pair);
  rows.insert(rows.end(), {z ? 0 : t, z ? t : 0, static_cast<double>(vote.position)});
  for (std::size_t f = 0; f < features_of(judged); ++f) rows.push_back(difference(judged, vote.pair, f));
  for (std::int32_t d = 0; d < judged.domains.count; ++d)
    rows.push_back(judged.domains.of_pair[vote.pair] == d ? t : 0);
}

/// The votes on anchors, by annotator. Annotators without any are left out: they say nothing about μ and τ.
struct Anchored {
  std::vector<std::size_t> annotators;
  std::vector<std::vector<PairVote>> votes;
  std::vector<GroupAnswers> answers;                 ///< the same as rows and ranges
  std::map<std::int32_t, std::vector<double>> cuts;  ///< by scale
};

Anchored anchored_votes(const JudgedPairs& judged, const std::vector<std::int8_t>& anchors) {
  Anchored found;
  std::vector<std::vector<PairVote>> all(judged.annotators);
  for (const PairVote& vote : judged.votes)
    if (anchors[vote.pair] != 0) all[vote.annotator].push_back(vote);
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (all[k].empty()) continue;
    GroupAnswers& answers = found.answers.emplace_back();
    for (const PairVote& vote : all[k]) {
      const auto& cuts = found.cuts.try_emplace(vote.scale, prior_cuts(vote.scale)).first->second;
      append_row(answers.rows, judged, vote, anchors[vote.pair]);
      answers.ranges.push_back(range_of(vote.answer, vote.scale, cuts));
    }
    found.annotators.push_back(k);
    found.votes.push_back(std::move(all[k]));
  }
  return found;
}

/// One step of fit_hierarchical: cut points of each scale, then the ranges that they give.
double fit_scales(Anchored& anchored, const GroupThetas& theta, std::vector<GroupAnswers>& groups) {
  std::map<std::int32_t, std::vector<PredictedAnswer>> answers;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t v = 0; v < anchored.votes[g].size(); ++v)
      answers[anchored.votes[g][v].scale].push_back({anchored.votes[g][v].answer, predictor(groups[g], v, theta[g])});
  double moved = 0;
  for (auto& [scale, cuts] : anchored.cuts) {
    const std::vector<double> next = fit_cuts(scale, answers[scale], cuts);
    for (std::size_t j = 0; j < cuts.size(); ++j) moved = std::max(moved, std::abs(next[j] - cuts[j]));
    cuts = next;
  }
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t v = 0; v < anchored.votes[g].size(); ++v) {
      const PairVote& vote = anchored.votes[g][v];
      groups[g].ranges[v] = range_of(vote.answer, vote.scale, anchored.cuts[vote.scale]);
    }
  return moved;
}

HierarchicalFit fit_parameters(Anchored& anchored, const JudgedPairs& judged, const LatentOptions& options) {
  HierarchicalOptions hierarchical;
  IndependentNormal& prior = hierarchical.mean_prior;
  prior = {{options.alpha_mean, options.alpha_mean}, {options.alpha_variance, options.alpha_variance}};
  prior.mean.resize(kBeta + features_of(judged) + judged.domains.count, 0);
  prior.variance.resize(kBeta + features_of(judged), options.beta_variance);
  prior.variance.resize(prior.mean.size(), 1);
  hierarchical.max_rounds = options.max_rounds;
  hierarchical.tolerance = options.tolerance;
  hierarchical.fit_ranges = [&anchored](const GroupThetas& theta, std::vector<GroupAnswers>& groups) {
    return fit_scales(anchored, theta, groups);
  };
  return fit_hierarchical(anchored.answers, hierarchical);
}

/// The covariance of an annotator without anchors: of μ, plus τ².
SymmetricMatrix covariance_of_new(const HierarchicalFit& fit) {
  SymmetricMatrix found = fit.mean_covariance;
  for (std::size_t j = 0; j < found.size; ++j) found.at(j, j) += fit.variance[j];
  return found;
}

/// θ in the terms of the result.
class Estimates {
 public:
  Estimates(std::size_t features, double level) : domains_(kBeta + features), z_(normal_quantile((1 + level) / 2)) {}

  AnnotatorEstimate of(const std::vector<double>& theta, const SymmetricMatrix& covariance) const {
    const auto one = [&](std::size_t j) { return normal(theta[j], covariance.at(j, j)); };
    AnnotatorEstimate found;
    found.alpha0 = one(kAlpha0);
    found.alpha1 = one(kAlpha1);
    found.position = one(kPosition);
    for (std::size_t j = kBeta; j < domains_; ++j) found.beta.push_back(one(j));
    for (std::size_t j = domains_; j < theta.size(); ++j) {
      const double variance = covariance.at(kAlpha0, kAlpha0) + covariance.at(j, j) + 2 * covariance.at(kAlpha0, j);
      found.delta.push_back(one(j));
      found.alpha0_in.push_back(normal(theta[kAlpha0] + theta[j], variance));
    }
    return found;
  }

  AnnotatorSpread spread(std::vector<double> variance) const {
    for (double& v : variance) v = std::sqrt(v);
    const auto begin = variance.begin(), domains = begin + static_cast<std::ptrdiff_t>(domains_);
    return {
        variance[kAlpha0], variance[kAlpha1], {begin + kBeta, domains}, {domains, variance.end()}, variance[kPosition]};
  }

 private:
  NormalEstimate normal(double value, double variance) const {
    const double error = std::sqrt(variance);
    return {value, error, {value - z_ * error, value + z_ * error}};
  }

  std::size_t domains_;  ///< the first coordinate of δ
  double z_;
};

}  // namespace

LatentAnnotators fit_latent_annotators(const JudgedPairs& judged, const std::vector<std::int8_t>& anchors,
                                       const LatentOptions& options) {
  check_judged(judged);
  check_anchors(anchors, judged);
  check_options(options);
  Anchored anchored = anchored_votes(judged, anchors);
  const HierarchicalFit fit = fit_parameters(anchored, judged, options);
  const Estimates estimates(features_of(judged), options.level);
  LatentAnnotators model;
  model.annotators.assign(judged.annotators, estimates.of(fit.mean, covariance_of_new(fit)));
  for (std::size_t g = 0; g < anchored.annotators.size(); ++g)
    model.annotators[anchored.annotators[g]] = estimates.of(fit.theta[g], fit.covariance[g]);
  model.mean = estimates.of(fit.mean, fit.mean_covariance);
  model.spread = estimates.spread(fit.variance);
  model.is_bias = judged.features.is_bias;
  model.least_alpha = options.least_alpha;
  model.rounds = fit.rounds;
  model.converged = fit.converged;
  for (auto& [scale, cuts] : anchored.cuts) model.scales.push_back({scale, cuts});
  count_anchors(model, judged, anchors);
  model.limits = limits_of(model, anchored.annotators.size());
  return model;
}

}  // namespace rlhf
