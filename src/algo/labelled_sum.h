#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/algo/reward_loss.h"

#include "algo/check_numbers.h"

namespace rlhf {

/// Σ weight · terms, [P] each; an undefined weight is 1.
inline at::Tensor weighted_sum(const at::Tensor& terms, const at::Tensor& weight) {
  if (!weight.defined()) return terms.sum();
  check_vector(weight, "weight", terms.size(0), terms.device());
  return terms.mul(weight).sum();
}

/// Σ w·(p·right + (1 − p)·swapped()): the loss of pairs, and the loss if their order is wrong, which is only computed
/// if there is a p. Shapes: right, swapped() [P].
template <typename Swapped>
at::Tensor labelled_sum(at::Tensor right, const Swapped& swapped, const PairLabels& labels) {
  if (labels.target.defined()) {
    check_vector(labels.target, "target", right.size(0), right.device());
    right = right.mul(labels.target).add(swapped().mul(labels.target.neg().add(1)));
  }
  return weighted_sum(right, labels.weight);
}

}  // namespace rlhf
