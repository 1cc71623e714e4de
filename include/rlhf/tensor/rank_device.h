#pragma once

#include "rlhf/core/rank_place.h"
#include "rlhf/tensor/device.h"

namespace rlhf {

/// resolve_compute() for a rank: one of several on a machine takes the GPU of its local rank. Throws DeviceError also
/// if the machine has fewer GPUs than ranks, or if `device` is one GPU for several of them.
Compute resolve_compute(const DeviceChoice& device, DtypeChoice dtype, const RankPlace& place);

}  // namespace rlhf
