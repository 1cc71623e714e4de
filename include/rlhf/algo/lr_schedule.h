#pragma once

#include <cstdint>

#include "rlhf/config/choices.h"

namespace rlhf {

/// Factor for the learning rate at `step` (0-based) of `total` steps, in [0,1]: (step+1)/warmup during the first
/// `warmup` steps, then constant at 1, or a linear or cosine decay from 1 to `min_share`. Errors:
/// ArgumentError.
double lr_factor(LrScheduleKind kind, std::int64_t step, std::int64_t total, std::int64_t warmup, double min_share);

}  // namespace rlhf
