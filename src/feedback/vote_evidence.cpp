// What votes say about the labels of pairs, given the annotators.
#include <algorithm>
#include <string>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/latent_annotators.h"

#include "feedback/answer_scale.h"
#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_fits(const LatentAnnotators& model, const JudgedPairs& judged) {
  check_argument(static_cast<std::size_t>(judged.annotators) == model.annotators.size(), "annotators",
                 "those of the model", judged.annotators);
  check_argument(judged.features.is_bias == model.is_bias, "features.is_bias", "the features of the model",
                 std::to_string(features_of(judged)) + " features");
  check_argument(static_cast<std::size_t>(judged.domains.count) == model.mean.delta.size(), "domains.count",
                 "the domains of the model", judged.domains.count);
}

double alpha_of(const AnnotatorEstimate& annotator, const JudgedPairs& judged, std::size_t pair) {
  const double alpha = in_play(judged, pair) ? annotator.alpha1.value : annotator.alpha0.value;
  return annotator.delta.empty() ? alpha : alpha + annotator.delta[judged.domains.of_pair[pair]].value;
}

double pull_of(const AnnotatorEstimate& annotator, const JudgedPairs& judged, const PairVote& vote) {
  double sum = annotator.position.value * vote.position;
  for (std::size_t f = 0; f < annotator.beta.size(); ++f)
    sum += annotator.beta[f].value * difference(judged, vote.pair, f);
  return sum;
}

AnswerRange range_in(const LatentAnnotators& model, const PairVote& vote) {
  const auto fitted = std::find_if(model.scales.begin(), model.scales.end(),
                                   [&](const ScaleCuts& scale) { return scale.scale == vote.scale; });
  return range_of(vote.answer, vote.scale, fitted != model.scales.end() ? fitted->cuts : prior_cuts(vote.scale));
}

}  // namespace

std::vector<VoteEvidence> vote_evidence(const LatentAnnotators& model, const JudgedPairs& judged) {
  check_judged(judged);
  check_fits(model, judged);
  std::vector<VoteEvidence> found(judged.pairs);
  for (const PairVote& vote : judged.votes) {
    const AnnotatorEstimate& annotator = model.annotators[vote.annotator];
    const double alpha = std::max(alpha_of(annotator, judged, vote.pair), model.least_alpha);
    const double pull = pull_of(annotator, judged, vote);
    const AnswerRange range = range_in(model, vote);
    found[vote.pair].log_first += log_probability(range, pull + alpha);
    found[vote.pair].log_second += log_probability(range, pull - alpha);
  }
  return found;
}

double label_probability(double prior_log_odds, const VoteEvidence& evidence) {
  return sigmoid(prior_log_odds + evidence.log_odds());
}

}  // namespace rlhf
