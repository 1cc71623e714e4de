// Trust in annotators: a logistic regression of one coefficient each.
#include "rlhf/feedback/trust.h"

#include <cmath>
#include <limits>

#include "rlhf/core/check_argument.h"

#include "feedback/hierarchical_logit.h"
#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_margins(const JudgedPairs& judged, const std::vector<double>& margins) {
  check_argument(margins.size() == static_cast<std::size_t>(judged.pairs), "margins", "one number per pair",
                 margins.size());
  for (const double margin : margins)
    check_argument(std::abs(margin) <= 1e6, "margins", "numbers between -1e6 and 1e6", margin);
}

void check_options(const TrustOptions& options) {
  check_argument(options.precision > 0 && std::isfinite(options.precision), "precision", "above 0", options.precision);
  check_argument(options.level > 0 && options.level < 1, "level", "above 0 and below 1", options.level);
}

/// By annotator: y·R of each vote as a row, which is answered by "right".
std::vector<GroupAnswers> answers_of(const JudgedPairs& judged, const std::vector<double>& margins) {
  std::vector<GroupAnswers> found(judged.annotators);
  for (const PairVote& vote : judged.votes) {
    if (vote.answer == 0) continue;
    found[vote.annotator].rows.push_back(vote.answer > 0 ? margins[vote.pair] : -margins[vote.pair]);
    found[vote.annotator].ranges.push_back({0, std::numeric_limits<double>::infinity()});
  }
  return found;
}

}  // namespace

std::vector<NormalEstimate> fit_trust(const JudgedPairs& judged, const std::vector<double>& margins,
                                      const TrustOptions& options) {
  check_judged(judged);
  check_margins(judged, margins);
  check_options(options);
  const IndependentNormal prior{{1}, {1 / options.precision}};
  const double z = normal_quantile((1 + options.level) / 2);
  std::vector<NormalEstimate> found;
  for (const GroupAnswers& answers : answers_of(judged, margins)) {
    const auto posterior = [&](const std::vector<double>& alpha) { return log_posterior(answers, alpha, prior); };
    const std::vector<double> mode = maximum_of(posterior, prior.mean);
    const double error = 1 / std::sqrt(posterior(mode).information.at(0, 0));
    found.push_back({mode[0], error, {mode[0] - z * error, mode[0] + z * error}});
  }
  return found;
}

}  // namespace rlhf
