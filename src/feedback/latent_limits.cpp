// How much the anchors can tell.
#include "feedback/latent_limits.h"

#include <algorithm>

#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void count(AnnotatorEstimate& estimate, const JudgedPairs& judged, std::size_t pair) {
  ++estimate.anchors;
  estimate.anchors_in_play += in_play(judged, pair);
  if (judged.domains.count > 0) ++estimate.anchors_in[judged.domains.of_pair[pair]];
}

std::string fewer_than(std::int64_t found, const std::string& where) {
  return where + " " + std::to_string(found) + " anchors, fewer than " + std::to_string(kFewAnchors) + ": ";
}

}  // namespace

void count_anchors(LatentAnnotators& model, const JudgedPairs& judged, const std::vector<std::int8_t>& anchors) {
  model.mean.anchors_in.resize(judged.domains.count);
  for (AnnotatorEstimate& annotator : model.annotators) annotator.anchors_in.resize(judged.domains.count);
  std::vector<bool> counted(judged.pairs);
  for (const PairVote& vote : judged.votes) {
    if (anchors[vote.pair] == 0) continue;
    count(model.annotators[vote.annotator], judged, vote.pair);
    if (!counted[vote.pair]) count(model.mean, judged, vote.pair);
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
    limits.push_back(fewer_than(mean.anchors_in_play, "a bias is in play on") + "alpha1 and beta lean on the prior");
  for (std::size_t d = 0; d < mean.anchors_in.size(); ++d)
    if (mean.anchors_in[d] < kFewAnchors)
      limits.push_back(fewer_than(mean.anchors_in[d], "domain " + std::to_string(d) + " has") +
                       "its delta leans on the prior");
  return limits;
}

}  // namespace rlhf
