// Learning rate schedules.
#include "rlhf/algo/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "rlhf/core/check.h"

namespace rlhf {

double lr_factor(LrScheduleKind kind, std::int64_t step, std::int64_t total, std::int64_t warmup, double min_share) {
  RLHF_CHECK(step >= 0 && warmup >= 0 && min_share >= 0 && min_share <= 1, step, " ", warmup, " ", min_share);
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double decay_steps = static_cast<double>(std::max<std::int64_t>(1, total - warmup));
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / decay_steps);
  switch (kind) {
    case LrScheduleKind::constant:
      return 1.0;
    case LrScheduleKind::linear:
      return min_share + (1.0 - min_share) * (1.0 - progress);
    case LrScheduleKind::cosine:
      return min_share + (1.0 - min_share) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  }
  RLHF_CHECK(false, "unknown schedule");
}

}  // namespace rlhf
