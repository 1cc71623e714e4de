// Agreement of two annotators.
#include <vector>

#include "rlhf/feedback/agreement.h"

#include "feedback/check_sizes.h"

namespace rlhf {
namespace {

void check_pairs(const PairedChoices& pairs) {
  check_argument(pairs.choices >= 2, "pairs.choices", "at least 2", pairs.choices);
  check_argument(pairs.first.size() == pairs.second.size(), "pairs.second", "as many choices as the first has",
                 pairs.second.size());
  for (const auto* side : {&pairs.first, &pairs.second})
    for (const std::int32_t choice : *side)
      check_argument(choice >= 0 && choice < pairs.choices, "pairs", "choices below pairs.choices", choice);
}

}  // namespace

std::optional<double> cohen_kappa(const PairedChoices& pairs, const Disagreement& disagreement) {
  check_pairs(pairs);
  check_disagreement(disagreement, pairs.choices);
  const double count = static_cast<double>(pairs.first.size());
  std::vector<double> first(pairs.choices), second(pairs.choices);
  double observed = 0, expected = 0;
  for (std::size_t i = 0; i < pairs.first.size(); ++i) {
    ++first[pairs.first[i]];
    ++second[pairs.second[i]];
    observed += disagreement.weights[pairs.first[i] * pairs.choices + pairs.second[i]];
  }
  for (std::int32_t c = 0; c < pairs.choices; ++c)
    for (std::int32_t d = 0; d < pairs.choices; ++d)
      expected += first[c] * second[d] * disagreement.weights[c * pairs.choices + d];
  if (expected <= 0) return std::nullopt;
  return 1 - count * observed / expected;
}

}  // namespace rlhf
