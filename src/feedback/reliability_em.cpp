// Crowd-BT by expectation maximisation.
#include "rlhf/feedback/reliability_em.h"

#include <algorithm>
#include <cmath>

#include "rlhf/core/check_argument.h"

#include "feedback/latent_rows.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

bool any_not_zero(const auto& values) {
  return std::any_of(values.begin(), values.end(), [](auto value) { return value != 0; });
}

void check_options(const ReliabilityEmOptions& options) {
  check_argument(options.prior_right > 0 && std::isfinite(options.prior_right), "prior_right", "above 0",
                 options.prior_right);
  check_argument(options.prior_wrong > 0 && std::isfinite(options.prior_wrong), "prior_wrong", "above 0",
                 options.prior_wrong);
  check_argument(options.least > 0 && options.least < options.most, "least", "above 0 and below most", options.least);
  check_argument(options.most < 1, "most", "below 1", options.most);
  check_argument(options.max_rounds >= 1, "max_rounds", "at least 1", options.max_rounds);
  check_argument(options.tolerance >= 0, "tolerance", "at least 0", options.tolerance);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
}

/// The inputs, with zeros for what is left out.
struct Problem {
  const JudgedPairs& judged;
  std::vector<double> prior;
  std::vector<std::int8_t> anchors;
  const ReliabilityEmOptions& options;
};

Problem checked(const JudgedPairs& judged, const std::vector<double>& prior, const std::vector<std::int8_t>& anchors,
                const ReliabilityEmOptions& options) {
  check_judged(judged);
  check_options(options);
  const auto pairs = static_cast<std::size_t>(judged.pairs);
  Problem problem{judged, prior, anchors, options};
  if (prior.empty()) problem.prior.resize(pairs);
  if (anchors.empty()) problem.anchors.resize(pairs);
  check_argument(problem.prior.size() == pairs, "prior_log_odds", "one number per pair", prior.size());
  for (const double value : prior) check_argument(std::isfinite(value), "prior_log_odds", "finite numbers", value);
  check_anchors(problem.anchors, judged);
  check_argument(judged.annotators > 1 || any_not_zero(problem.prior) || any_not_zero(problem.anchors), "annotators",
                 "at least 2 where there are neither anchors nor prior log-odds", judged.annotators);
  return problem;
}

/// P(the vote is right), given P(first is better).
double right(const PairVote& vote, const std::vector<double>& first) {
  return vote.answer > 0 ? first[vote.pair] : 1 - first[vote.pair];
}

std::vector<double> e_step(const Problem& problem, const std::vector<double>& reliability) {
  std::vector<double> first = problem.prior;
  for (const PairVote& vote : problem.judged.votes) {
    if (vote.answer == 0) continue;
    const double eta = reliability[vote.annotator], trust = std::log(eta / (1 - eta));
    first[vote.pair] += vote.answer > 0 ? trust : -trust;
  }
  for (std::size_t i = 0; i < first.size(); ++i)
    first[i] = problem.anchors[i] == 0 ? sigmoid(first[i]) : problem.anchors[i] > 0 ? 1 : 0;
  return first;
}

/// The M-step, from all votes or from those on anchors.
std::vector<double> m_step(const Problem& problem, const std::vector<double>& first, bool only_anchors) {
  const ReliabilityEmOptions& options = problem.options;
  std::vector<double> rights(problem.judged.annotators, options.prior_right);
  std::vector<double> counts(problem.judged.annotators, options.prior_right + options.prior_wrong);
  for (const PairVote& vote : problem.judged.votes) {
    if (vote.answer == 0 || (only_anchors && problem.anchors[vote.pair] == 0)) continue;
    rights[vote.annotator] += right(vote, first);
    ++counts[vote.annotator];
  }
  for (std::size_t k = 0; k < rights.size(); ++k)
    rights[k] = std::clamp(rights[k] / counts[k], options.least, options.most);
  return rights;
}

double largest_step(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t k = 0; k < a.size(); ++k) largest = std::max(largest, std::abs(a[k] - b[k]));
  return largest;
}

std::vector<AnnotatorReliability> with_intervals(const Problem& problem, const std::vector<double>& reliability,
                                                 const std::vector<double>& first) {
  const ReliabilityEmOptions& options = problem.options;
  std::vector<AnnotatorReliability> found(reliability.size());
  std::vector<double> lost(reliability.size());
  for (const PairVote& vote : problem.judged.votes) {
    if (vote.answer == 0) continue;
    const double p = right(vote, first);
    lost[vote.annotator] += p * (1 - p);
    ++found[vote.annotator].votes;
    found[vote.annotator].anchors += problem.anchors[vote.pair] != 0;
  }
  const double z = normal_quantile((1 + options.level) / 2);
  const double prior = options.prior_right + options.prior_wrong;
  for (std::size_t k = 0; k < found.size(); ++k) {
    const double eta = reliability[k], all = (static_cast<double>(found[k].votes) + prior) * eta * (1 - eta);
    const double least = options.prior_right * options.prior_wrong / prior;  // all is more, but where η is at a bound
    const double log_odds = std::log(eta / (1 - eta)), half = z / std::sqrt(std::max(all - lost[k], least));
    found[k].value = eta;
    found[k].interval = {sigmoid(log_odds - half), sigmoid(log_odds + half)};
  }
  return found;
}

std::vector<std::string> limits_of(const Problem& problem, const std::vector<AnnotatorReliability>& annotators) {
  if (std::any_of(annotators.begin(), annotators.end(), [](const auto& one) { return one.anchors > 0; })) return {};
  if (any_not_zero(problem.prior))
    return {"no anchor has a vote: that the reward model is right more often than not is assumed"};
  return {"no anchor has a vote: that most annotators are right more often than not is assumed"};
}

}  // namespace

ReliabilityEm fit_reliability(const JudgedPairs& judged, const std::vector<double>& prior_log_odds,
                              const std::vector<std::int8_t>& anchors, const ReliabilityEmOptions& options) {
  const Problem problem = checked(judged, prior_log_odds, anchors, options);
  ReliabilityEm fit;
  std::vector<double> reliability(judged.annotators, options.prior_right / (options.prior_right + options.prior_wrong));
  fit.first = e_step(problem, reliability);
  reliability = m_step(problem, fit.first, /*only_anchors=*/true);
  while (!fit.converged && fit.rounds < options.max_rounds) {
    ++fit.rounds;
    fit.first = e_step(problem, reliability);
    const std::vector<double> next = m_step(problem, fit.first, /*only_anchors=*/false);
    fit.converged = largest_step(reliability, next) <= options.tolerance;
    reliability = next;
  }
  fit.first = e_step(problem, reliability);
  fit.annotators = with_intervals(problem, reliability, fit.first);
  fit.limits = limits_of(problem, fit.annotators);
  return fit;
}

}  // namespace rlhf
