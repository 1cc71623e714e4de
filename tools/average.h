#pragma once

#include "rlhf/config/average_config.h"

namespace rlhf {

/// rlhf-average: averages models that have the same tokens.
void average(const AverageConfig& config);

}  // namespace rlhf
