#pragma once

#include <string>

#include "tensor/accelerator.h"

namespace rlhf {

/// Why CUDA finds no GPU. `status` is what cudaGetDeviceCount() returned, and `says` its text. The versions are those
/// of cudaDriverGetVersion() (0 without a driver) and cudaRuntimeGetVersion(): 13000 is CUDA 13.0.
Absence cuda_absence(int status, const std::string& says, int driver_version, int runtime_version);

}  // namespace rlhf
