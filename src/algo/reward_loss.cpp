// The Bradley-Terry loss of the reward model and its centering term.
#include "rlhf/algo/reward_loss.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

#include "algo/check_numbers.h"

namespace rlhf {
namespace {

/// Σ weight · terms, [P] each; an undefined weight is 1.
at::Tensor weighted_sum(const at::Tensor& terms, const at::Tensor& weight) {
  if (!weight.defined()) return terms.sum();
  check_vector(weight, "weight", terms.size(0), terms.device());
  return terms.mul(weight).sum();
}

}  // namespace

at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& margin,
                              const at::Tensor& weight) {
  check_shape(chosen, "chosen", {-1});
  check_vector(chosen, "chosen", -1, chosen.device());
  check_vector(rejected, "rejected", chosen.size(0), chosen.device());
  at::Tensor gap = chosen.sub(rejected);
  if (margin.defined()) {
    check_vector(margin, "margin", chosen.size(0), chosen.device());
    gap = gap.sub(margin);
  }
  return weighted_sum(at::log_sigmoid(gap).neg(), weight);
}

at::Tensor centering_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& weight) {
  check_shape(chosen, "chosen", {-1});
  check_vector(chosen, "chosen", -1, chosen.device());
  check_vector(rejected, "rejected", chosen.size(0), chosen.device());
  return weighted_sum(chosen.add(rejected).square(), weight);
}

}  // namespace rlhf
