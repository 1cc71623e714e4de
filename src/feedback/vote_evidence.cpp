// What votes say about the labels of pairs, given the annotators.
#include "rlhf/feedback/latent_annotators.h"

#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_fits(const LatentAnnotators& model, const JudgedPairs& judged) {
  check_argument(static_cast<std::size_t>(judged.annotators) == model.annotators.size(), "annotators",
                 "those of the model", judged.annotators);
  check_argument(judged.features.is_bias == model.is_bias, "features.is_bias", "the features of the model",
                 std::to_string(features_of(judged)) + " features");
}

double pull(const AnnotatorEstimate& annotator, const JudgedPairs& judged, std::size_t pair) {
  double sum = 0;
  for (std::size_t f = 0; f < annotator.beta.size(); ++f) sum += annotator.beta[f].value * difference(judged, pair, f);
  return sum;
}

}  // namespace

std::vector<VoteEvidence> vote_evidence(const LatentAnnotators& model, const JudgedPairs& judged) {
  check_judged(judged);
  check_fits(model, judged);
  std::vector<VoteEvidence> found(judged.pairs);
  for (const PairVote& vote : judged.votes) {
    const AnnotatorEstimate& annotator = model.annotators[vote.annotator];
    const NormalEstimate& trust = in_play(judged, vote.pair) ? annotator.alpha1 : annotator.alpha0;
    const double alpha = std::max(trust.value, model.least_alpha), offset = pull(annotator, judged, vote.pair);
    const AnswerRange range = range_of(vote);
    found[vote.pair].log_first += log_probability(range, offset + alpha);
    found[vote.pair].log_second += log_probability(range, offset - alpha);
  }
  return found;
}

double label_probability(double prior_log_odds, const VoteEvidence& evidence) {
  return sigmoid(prior_log_odds + evidence.log_odds());
}

}  // namespace rlhf
