#pragma once

#include <cstddef>
#include <cstdint>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/disagreement.h"
#include "rlhf/feedback/labels.h"
#include "rlhf/feedback/votes.h"

namespace rlhf {

inline void check_counts(const VoteCounts& counts) {
  check_argument(counts.items >= 1, "counts.items", "at least 1", counts.items);
  check_argument(counts.choices >= 2, "counts.choices", "at least 2", counts.choices);
  const std::size_t size = static_cast<std::size_t>(counts.items) * counts.choices;
  check_argument(counts.counts.size() == size, "counts.counts", "items times choices", counts.counts.size());
}

inline void check_labels(const LabelPosterior& labels) {
  check_argument(labels.items >= 1, "labels.items", "at least 1", labels.items);
  check_argument(labels.choices >= 2, "labels.choices", "at least 2", labels.choices);
  const std::size_t size = static_cast<std::size_t>(labels.items) * labels.choices;
  check_argument(labels.probabilities.size() == size, "labels.probabilities", "items times choices",
                 labels.probabilities.size());
}

inline void check_disagreement(const Disagreement& disagreement, std::int32_t choices) {
  check_argument(disagreement.choices == choices, "disagreement.choices", "as many choices as the votes have",
                 disagreement.choices);
  const std::size_t size = static_cast<std::size_t>(choices) * choices;
  check_argument(disagreement.weights.size() == size, "disagreement.weights", "choices times choices",
                 disagreement.weights.size());
}

}  // namespace rlhf
