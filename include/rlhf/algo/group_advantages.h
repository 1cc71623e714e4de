#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"

namespace rlhf {

/// Advantages of whole responses without a value model: each reward is compared with those of the G responses to its
/// prompt, which are adjacent. With m the mean of the G rewards and s their standard deviation (of a sample, G − 1):
///   rloo:    A = G/(G−1)·(R − m), which is R minus the mean of the other G − 1   (arXiv:2402.14740, eq. 7)
///   grpo:    A = (R − m) / (s + 1e-4)                                           (arXiv:2402.03300, section 4.1.2)
///   dr_grpo: A = R − m                                                          (arXiv:2503.20783)
/// Shapes: rewards and result [B], B a multiple of G. Errors: ShapeError; ArgumentError, also for G < 2 and for a kind
/// that does not compare samples; on a CPU NumericsError for a number that is not finite.
at::Tensor group_advantages(const at::Tensor& rewards, std::int64_t group_size, AdvantageKind kind);

/// Which groups have rewards that are all equal, and therefore teach nothing: [B/G] bool on the device. Errors: as
/// above.
at::Tensor equal_groups(const at::Tensor& rewards, std::int64_t group_size);

}  // namespace rlhf
