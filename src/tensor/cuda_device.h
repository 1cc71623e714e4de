#pragma once

#include <cstdint>

#include <c10/core/Device.h>

/// The functions of the CUDA runtime that the library uses. In a build without CUDA the device count is 0 and the other
/// functions are never called.
namespace rlhf {

int cuda_device_count();
/// Compute capability as 10·major + minor: 90 for sm_90.
int cuda_capability(c10::DeviceIndex index);
std::int64_t cuda_peak_bytes(c10::DeviceIndex index);
std::int64_t cuda_installed_bytes(c10::DeviceIndex index);
std::int64_t cuda_free_bytes(c10::DeviceIndex index);
void cuda_synchronize(c10::DeviceIndex index);

}  // namespace rlhf
