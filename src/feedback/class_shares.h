#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "rlhf/core/check_argument.h"
#include "rlhf/feedback/dawid_skene.h"

namespace rlhf {

inline constexpr double kLeastCount = 1e-10;  // of an expected count, so that nothing is impossible

inline void check_pseudo_votes(const PseudoVotes& prior) {
  check_argument(prior.right >= 0 && std::isfinite(prior.right), "prior.right", "at least 0", prior.right);
  check_argument(prior.wrong >= 0 && std::isfinite(prior.wrong), "prior.wrong", "at least 0", prior.wrong);
}

/// p_c ∝ Σ_i q_i(c).
inline std::vector<double> fit_class_shares(const LabelPosterior& labels) {
  std::vector<double> shares(labels.choices);
  for (std::size_t j = 0; j < labels.probabilities.size(); ++j) shares[j % labels.choices] += labels.probabilities[j];
  for (double& share : shares) share = std::max(share / labels.items, kLeastCount);
  return shares;
}

inline std::vector<double> logs(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return values;
}

}  // namespace rlhf
