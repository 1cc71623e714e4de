#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/latent_annotators.h"

#include "feedback/cumulative_logit.h"

namespace rlhf {

/// Coordinates of θ: α0, α1, then β by feature.
inline constexpr std::size_t kAlpha0 = 0, kAlpha1 = 1, kBeta = 2;

inline std::size_t features_of(const JudgedPairs& judged) { return judged.features.is_bias.size(); }

inline double difference(const JudgedPairs& judged, std::size_t pair, std::size_t feature) {
  return judged.features.differences[pair * features_of(judged) + feature];
}

/// z.
inline bool in_play(const JudgedPairs& judged, std::size_t pair) {
  for (std::size_t f = 0; f < features_of(judged); ++f)
    if (judged.features.is_bias[f] && difference(judged, pair, f) != 0) return true;
  return false;
}

inline AnswerRange range_of(const PairVote& vote) {
  AnswerRange range;
  (vote.answer > 0 ? range.low : range.high) = 0;
  return range;
}

inline void check_vote_index(std::int32_t index, std::int32_t bound, std::size_t vote, std::string_view field) {
  if (index >= 0 && index < bound) [[likely]]
    return;
  const std::string name = "votes[" + std::to_string(vote) + "]." + std::string(field);
  check_argument(false, name, "0 to " + std::to_string(bound - 1), index);
}

inline void check_features(const JudgedPairs& judged) {
  constexpr double kLargest = 1e6;  // larger ones lose the digits of the others in sums
  const auto& values = judged.features.differences;
  check_argument(values.size() == judged.pairs * features_of(judged), "features.differences", "pairs times features",
                 values.size());
  for (const double value : values)
    check_argument(std::abs(value) <= kLargest, "features.differences", "numbers between -1e6 and 1e6", value);
}

inline void check_judged(const JudgedPairs& judged) {
  check_argument(judged.pairs >= 1, "pairs", "at least 1", judged.pairs);
  check_argument(judged.annotators >= 1, "annotators", "at least 1", judged.annotators);
  for (std::size_t v = 0; v < judged.votes.size(); ++v) {
    const PairVote& vote = judged.votes[v];
    check_vote_index(vote.pair, judged.pairs, v, "pair");
    check_vote_index(vote.annotator, judged.annotators, v, "annotator");
    check_argument(vote.answer == 1 || vote.answer == -1, "votes.answer", "1 or -1", vote.answer);
  }
  check_features(judged);
}

}  // namespace rlhf
