#pragma once

#include <cstdint>

#include <c10/core/Device.h>

/// The CUDA runtime behind plain functions: a build without CUDA has no GPU (count 0) and never calls the rest.
namespace rlhf {

int cuda_device_count();
/// Compute capability as 10·major + minor: 90 for sm_90.
int cuda_capability(c10::DeviceIndex index);
std::int64_t cuda_peak_bytes(c10::DeviceIndex index);
std::int64_t cuda_installed_bytes(c10::DeviceIndex index);
void cuda_synchronize(c10::DeviceIndex index);

}  // namespace rlhf
