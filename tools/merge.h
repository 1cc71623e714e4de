#pragma once

#include "rlhf/config/merge_config.h"

namespace rlhf {

/// rlhf-merge: writes an adapter and its base as the folder of one model.
void merge(const MergeConfig& config);

}  // namespace rlhf
