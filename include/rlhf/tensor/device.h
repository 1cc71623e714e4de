#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "rlhf/config/choices.h"
#include "rlhf/core/memory.h"

namespace rlhf {

/// The device and compute dtype of a run, and the reason for the choice (logged once).
struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::string reason;  ///< "cuda:1 (NVIDIA H200): requested; bfloat16: the GPU is sm_90"
};

/// Resolves `auto` and makes the device the current one of this thread. Device: a GPU if there is one; without an
/// index, that of the environment variable LOCAL_RANK (torchrun sets it), or GPU 0. If there seems to be a GPU that
/// CUDA cannot use, `auto` takes the CPU with a warning. Dtype: bfloat16 if the hardware computes it (CUDA sm_80 and
/// newer; a CPU with avx512_bf16 or amx_bf16), else float32. Throws DeviceError if the device does not exist, or if
/// bfloat16 is requested on a GPU without it. A CPU accepts bfloat16 in any case; `reason` says if it has no
/// instructions for it.
///
/// Also sets two flags of LibTorch's CUDA operators for the whole process: sums of bfloat16 products are kept in
/// float32 until they are complete, and attention is not computed by cuDNN (docs/cuda.md has the reasons).
Compute resolve_compute(const DeviceChoice& device, DtypeChoice dtype);

/// Throws DeviceError unless tensors can be on `device`: cpu, or cuda in a build with CUDA on a machine with a GPU.
void check_usable(at::Device device);

/// Highest resident memory of this process (CPU) or highest allocation on the device (CUDA), in bytes.
std::int64_t peak_memory_bytes(at::Device device);
/// Memory installed in the machine (or the limit of the process's cgroup, if that is less), or on the device, in bytes.
std::int64_t installed_memory_bytes(at::Device device);
/// How much memory this process can have in all (CPU, core/memory.h), or what is free on the device (CUDA).
MemoryLimit available_memory(at::Device device);
/// Waits until the device is idle, for timings.
void synchronize(at::Device device);
/// The properties of the hardware that determine the bits of a result, stored in checkpoints: "x86-64 AuthenticAMD
/// AVX512 avx512_bf16", "sm_90".
std::string instruction_set(at::Device device);

}  // namespace rlhf
