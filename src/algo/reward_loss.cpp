// The Bradley-Terry loss of the reward model.
#include "rlhf/algo/reward_loss.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

#include "rlhf/tensor/check_shape.h"

namespace rlhf {

at::Tensor bradley_terry_loss(const at::Tensor& chosen, const at::Tensor& rejected, const at::Tensor& margin,
                              const at::Tensor& weight, double centering) {
  check_shape(chosen, "chosen", {-1});
  check_shape(rejected, "rejected", {chosen.size(0)});
  at::Tensor gap = chosen.sub(rejected);
  if (margin.defined()) {
    check_shape(margin, "margin", {chosen.size(0)});
    gap = gap.sub(margin);
  }
  at::Tensor loss = at::log_sigmoid(gap).neg();
  if (centering != 0) loss = loss.add(chosen.add(rejected).square(), centering);
  if (weight.defined()) {
    check_shape(weight, "weight", {chosen.size(0)});
    loss = loss.mul(weight);
  }
  return loss.sum();
}

}  // namespace rlhf
