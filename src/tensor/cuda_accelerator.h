#pragma once

#include "tensor/accelerator.h"

namespace rlhf {

/// CUDA. In a build without it count() is 0, and only type(), count() and why_none() may be called.
const Accelerator& cuda_accelerator();

}  // namespace rlhf
