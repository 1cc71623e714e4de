#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// Section `optimizer` (and `value_optimizer` of rlhf-ppo): AdamW with fp32 masters.
struct OptimizerOptions {
  double lr = 2e-5;
  std::array<double, 2> betas = {0.9, 0.95};
  double eps = 1e-8;
  AdamEpsStyle eps_style = AdamEpsStyle::pytorch;
  double weight_decay = 0.0;
  double max_grad_norm = 1.0;
  MomentDtype moments = MomentDtype::float32;
};
constexpr auto describe(const OptimizerOptions*) {
  using C = OptimizerOptions;
  return std::make_tuple(
      field<&C::lr>("peak learning rate", at_least(0.0)),
      field<&C::betas>("decay rates of the first and second moment", at_least(0.0).below(1.0)),
      field<&C::eps>("added to the root of the second moment", more_than(0.0)),
      field<&C::eps_style>(
          "where eps is added; pytorch: to the root after the correction of its bias; tensorflow: before, "
          "so that the first steps are shorter, as in the code of Ziegler et al. (2019)"),
      field<&C::weight_decay>("decoupled weight decay; norms and biases are spared", at_least(0.0)),
      field<&C::max_grad_norm>("global norm gradients are clipped to (0 = no clipping)", at_least(0.0)),
      field<&C::moments>("dtype of both moments; int8: one byte each, in blocks of 256 with a scale, a quarter of the "
                         "memory"));
}

/// Section `lr_schedule`.
struct LrScheduleOptions {
  LrScheduleKind kind = LrScheduleKind::cosine;
  double warmup_share = 0.03;
  std::optional<std::int64_t> warmup_steps = {};
  double min_share = 0.1;
};
constexpr auto describe(const LrScheduleOptions*) {
  using C = LrScheduleOptions;
  return std::make_tuple(field<&C::kind>("shape of the learning rate after the warm-up"),
                         field<&C::warmup_share>("share of the steps with a linear warm-up", in_range(0.0, 1.0)),
                         field<&C::warmup_steps>("number of these steps, instead of warmup_share", at_least(0)),
                         field<&C::min_share>("learning rate at the end, as a share of the peak", in_range(0.0, 1.0)));
}

}  // namespace rlhf
