#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"

namespace rlhf {

/// Where and in what a run computes, and why (logged once).
struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::string reason;  ///< "cpu: no CUDA device; bfloat16: the CPU has avx512_bf16"
};

/// auto device: CUDA where a GPU is there. auto dtype: bfloat16 where the hardware computes it (CUDA sm_80 and newer;
/// a CPU with avx512_bf16 or amx_bf16), else float32. Throws DeviceError when the device that was asked for is not
/// there, or is a GPU without bfloat16; a CPU takes bfloat16 when asked, and `reason` says if it has no instructions.
Compute resolve_compute(DeviceChoice device, DtypeChoice dtype);

/// Highest resident memory of this process (CPU) or highest allocation on the device (CUDA), in bytes.
std::int64_t peak_memory_bytes(at::Device device);
/// Memory installed in the machine, or on the device, in bytes.
std::int64_t installed_memory_bytes(at::Device device);
/// Waits until the device is idle, for timings.
void synchronize(at::Device device);
/// "x86-64 AuthenticAMD AVX512 avx512_bf16", "sm_90": what decides the bits of a result, stored in checkpoints.
std::string instruction_set(at::Device device);

}  // namespace rlhf
