// Learning rate schedules.
#include "rlhf/algo/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "rlhf/core/check_argument.h"

namespace rlhf {

double lr_factor(LrScheduleKind kind, std::int64_t step, std::int64_t total, std::int64_t warmup, double min_share) {
  check_argument(step >= 0, "step", "at least 0", step);
  check_argument(total >= 0, "total", "at least 0", total);
  check_argument(warmup >= 0, "warmup", "at least 0", warmup);
  check_argument(min_share >= 0 && min_share <= 1, "min_share", "a number from 0 to 1", min_share);
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
  throw ArgumentError("kind: expected constant, linear or cosine, found another value");
}

}  // namespace rlhf
