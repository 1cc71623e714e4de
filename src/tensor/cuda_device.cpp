// The CUDA runtime, or its absence.
#include "tensor/cuda_device.h"

#ifdef RLHF_CUDA
#include <cstddef>
#include <string>

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#endif

#include "rlhf/core/error.h"

namespace rlhf {

#ifdef RLHF_CUDA

namespace {

void must_succeed(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) throw DeviceError(std::string(doing) + ": CUDA says " + cudaGetErrorString(status));
}

int attribute(cudaDeviceAttr which, c10::DeviceIndex index) {
  int value = 0;
  must_succeed(cudaDeviceGetAttribute(&value, which, index), "reading a device attribute");
  return value;
}

struct DeviceMemory {
  std::int64_t free, all;
};
DeviceMemory memory_of(c10::DeviceIndex index) {
  const c10::cuda::CUDAGuard guard(index);
  std::size_t free_bytes = 0;
  std::size_t all_bytes = 0;
  must_succeed(cudaMemGetInfo(&free_bytes, &all_bytes), "reading the device's memory");
  return {static_cast<std::int64_t>(free_bytes), static_cast<std::int64_t>(all_bytes)};
}

}  // namespace

int cuda_device_count() { return c10::cuda::device_count(); }

int cuda_capability(c10::DeviceIndex index) {
  return 10 * attribute(cudaDevAttrComputeCapabilityMajor, index) + attribute(cudaDevAttrComputeCapabilityMinor, index);
}

std::int64_t cuda_peak_bytes(c10::DeviceIndex index) {
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index);
  return stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

std::int64_t cuda_installed_bytes(c10::DeviceIndex index) { return memory_of(index).all; }
std::int64_t cuda_free_bytes(c10::DeviceIndex index) { return memory_of(index).free; }

void cuda_synchronize(c10::DeviceIndex index) {
  const c10::cuda::CUDAGuard guard(index);
  c10::cuda::device_synchronize();
}

#else

namespace {

[[noreturn]] void no_cuda() {
  throw DeviceError("device: expected cpu, because this library was built without CUDA, found a CUDA device");
}

}  // namespace

int cuda_device_count() { return 0; }

int cuda_capability(c10::DeviceIndex) { no_cuda(); }
std::int64_t cuda_peak_bytes(c10::DeviceIndex) { no_cuda(); }
std::int64_t cuda_installed_bytes(c10::DeviceIndex) { no_cuda(); }
std::int64_t cuda_free_bytes(c10::DeviceIndex) { no_cuda(); }
void cuda_synchronize(c10::DeviceIndex) { no_cuda(); }

#endif

}  // namespace rlhf
