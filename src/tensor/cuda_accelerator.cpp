// CUDA GPUs, or their absence.
#include "tensor/cuda_accelerator.h"

#ifdef RLHF_CUDA
#include <cstddef>

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#endif

#include "rlhf/core/error.h"

#ifdef RLHF_CUDA
#include "tensor/cuda_absence.h"
#endif

namespace rlhf {

#ifdef RLHF_CUDA

namespace {

void must_succeed(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) throw DeviceError(std::string(doing) + ": CUDA says " + cudaGetErrorString(status));
}

/// LibTorch's device_count() would write a warning of its own.
cudaError_t count_devices(int& devices) {
  const cudaError_t status = cudaGetDeviceCount(&devices);
  cudaGetLastError();  // forgets the error, so that nothing later reports it
  return status;
}

int attribute(cudaDeviceAttr which, c10::DeviceIndex index) {
  int value = 0;
  must_succeed(cudaDeviceGetAttribute(&value, which, index), "reading a device attribute");
  return value;
}

/// Compute capability as 10·major + minor: 90 for sm_90.
int capability(c10::DeviceIndex index) {
  return 10 * attribute(cudaDevAttrComputeCapabilityMajor, index) + attribute(cudaDevAttrComputeCapabilityMinor, index);
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

class Cuda final : public Accelerator {
 public:
  c10::DeviceType type() const override { return c10::kCUDA; }
  int count() const override {
    int devices = 0;
    return count_devices(devices) == cudaSuccess ? devices : 0;
  }
  Absence why_none() const override {
    int devices = 0, driver = 0, runtime = 0;
    const cudaError_t status = count_devices(devices);
    must_succeed(cudaDriverGetVersion(&driver), "reading the version of the driver");
    must_succeed(cudaRuntimeGetVersion(&runtime), "reading the version of CUDA");
    return cuda_absence(status, cudaGetErrorString(status), driver, runtime);
  }

  std::string name(c10::DeviceIndex index) const override {
    cudaDeviceProp properties;
    must_succeed(cudaGetDeviceProperties(&properties, index), "reading the properties of the device");
    return properties.name;
  }
  std::string architecture(c10::DeviceIndex index) const override { return "sm_" + std::to_string(capability(index)); }
  bool computes_bfloat16(c10::DeviceIndex index) const override { return capability(index) >= 80; }
  bool has_varlen_attention(const at::Tensor& q) const override {
    const bool half_width = q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf;
    return half_width && q.size(2) % 8 == 0 && q.size(2) <= 256 && capability(q.device().index()) >= 80;
  }

  std::int64_t peak_bytes(c10::DeviceIndex index) const override {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index);
    return stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
  }
  std::int64_t installed_bytes(c10::DeviceIndex index) const override { return memory_of(index).all; }
  std::int64_t free_bytes(c10::DeviceIndex index) const override { return memory_of(index).free; }
  void synchronize(c10::DeviceIndex index) const override {
    const c10::cuda::CUDAGuard guard(index);
    c10::cuda::device_synchronize();
  }
};

}  // namespace

const Accelerator& cuda_accelerator() {
  static const Cuda cuda;
  return cuda;
}

#else

namespace {

class NoCuda final : public Accelerator {
 public:
  c10::DeviceType type() const override { return c10::kCUDA; }
  int count() const override { return 0; }
  Absence why_none() const override {
    return {"a build of this library without CUDA", "use device cpu, or build with the preset `cuda`"};
  }

  std::string name(c10::DeviceIndex) const override { refuse(); }
  std::string architecture(c10::DeviceIndex) const override { refuse(); }
  bool computes_bfloat16(c10::DeviceIndex) const override { refuse(); }
  bool has_varlen_attention(const at::Tensor&) const override { refuse(); }
  std::int64_t peak_bytes(c10::DeviceIndex) const override { refuse(); }
  std::int64_t installed_bytes(c10::DeviceIndex) const override { refuse(); }
  std::int64_t free_bytes(c10::DeviceIndex) const override { refuse(); }
  void synchronize(c10::DeviceIndex) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw DeviceError("device: expected cpu, because this library was built without CUDA, found a CUDA device");
  }
};

}  // namespace

const Accelerator& cuda_accelerator() {
  static const NoCuda none;
  return none;
}

#endif

}  // namespace rlhf
