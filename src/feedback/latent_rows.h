#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {

/// Coordinates of θ: α0, α1, π, then β by feature, then δ by domain.
inline constexpr std::size_t kAlpha0 = 0, kAlpha1 = 1, kPosition = 2, kBeta = 3;

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

/// Throws ArgumentError for an index outside its range, an answer outside its scale, or features that are not finite.
void check_judged(const JudgedPairs& judged);
/// Throws ArgumentError unless there is +1, −1 or 0 for each pair.
void check_anchors(const std::vector<std::int8_t>& anchors, const JudgedPairs& judged);

}  // namespace rlhf
