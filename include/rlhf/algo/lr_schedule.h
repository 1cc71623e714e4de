#pragma once

#include <cstdint>

#include "rlhf/config/choices.h"

namespace rlhf {

/// Factor on the learning rate at `step` (0-based) of `total` steps: linear warm-up over `warmup` steps
/// ((step+1)/warmup), then constant, linear to `min_share`, or cosine to `min_share`. Result in [0,1].
double lr_factor(LrScheduleKind kind, std::int64_t step, std::int64_t total, std::int64_t warmup, double min_share);

}  // namespace rlhf
