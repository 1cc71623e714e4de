// Chooses device and dtype, and reads properties of the hardware.
#include "rlhf/tensor/device.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <sstream>

#include <ATen/Context.h>
#include <ATen/Version.h>

#include "rlhf/core/error.h"
#include "rlhf/core/memory.h"
#include "rlhf/kernels/kernels.h"

#include "tensor/accelerator.h"

namespace rlhf {
namespace {

/// The rest of the first line in `file` that starts with `key`, or "".
std::string line_after(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t start = line.find_first_not_of(" \t:", key.size());
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

/// The name (in Linux) of the CPU's instructions for bfloat16 products, or ""; "bf16" is that of Arm.
std::string cpu_bfloat16() {
  std::string found;
  for (const char* key : {"flags", "Features"}) {
    std::istringstream words(line_after("/proc/cpuinfo", key));
    for (std::string word; words >> word;) {
      const bool multiplies = word == "avx512_bf16" || word == "amx_bf16" || word == "bf16";
      if (multiplies) found += (found.empty() ? "" : " ") + word;
    }
  }
  return found;
}

at::Device choose_device(DeviceChoice choice, std::string& reason) {
  const bool there = accelerator().count() > 0;
  if (choice == DeviceChoice::cuda && !there)
    throw DeviceError("device: expected a CUDA device, found none (" + accelerator().why_none() +
                      "); hint: use device cpu, or a CUDA build on a machine with a GPU");
  if (choice == DeviceChoice::cpu || !there) {
    reason = choice == DeviceChoice::cpu ? "cpu: requested" : "cpu: no CUDA device";
    return at::kCPU;
  }
  reason = choice == DeviceChoice::cuda ? "cuda: requested" : "cuda: a GPU is available";
  return at::Device(accelerator().type(), 0);
}

/// The reason why `device` supports bfloat16, or "".
std::string bfloat16_hardware(at::Device device) {
  if (device.is_cpu()) {
    const std::string instructions = cpu_bfloat16();
    return instructions.empty() ? "" : "the CPU has " + instructions;
  }
  if (!accelerator().computes_bfloat16(device.index())) return "";
  return "the GPU is " + accelerator().architecture(device.index());
}

at::ScalarType choose_dtype(DtypeChoice choice, at::Device device, std::string& reason) {
  if (choice == DtypeChoice::float32) {
    reason += "; float32: requested";
    return at::kFloat;
  }
  const std::string hardware = bfloat16_hardware(device);
  if (choice == DtypeChoice::bfloat16) {
    if (hardware.empty() && !device.is_cpu())
      throw DeviceError("dtype: expected a GPU that computes bfloat16 (sm_80 or newer), found " +
                        accelerator().architecture(device.index()) + "; hint: set dtype to float32");
    reason += "; bfloat16: requested" + std::string(hardware.empty() ? ", without hardware for it" : "");
    return at::kBFloat16;
  }
  reason += hardware.empty() ? "; float32: no hardware for bfloat16" : "; bfloat16: " + hardware;
  return hardware.empty() ? at::kFloat : at::kBFloat16;
}

/// Sets what LibTorch's CUDA operators may do, for the whole process.
void set_cuda_operators() {
  at::Context& context = at::globalContext();
  // Otherwise cuBLAS may add the parts of a long sum in bfloat16.
  context.setAllowBF16ReductionCuBLAS(false);
  // cuDNN's attention, LibTorch's first choice on sm_90 and sm_100, builds a plan for every new length of the keys.
  // Decoding has one per token.
  context.setSDPUseCuDNN(false);
}

}  // namespace

Compute resolve_compute(DeviceChoice device, DtypeChoice dtype) {
  set_cuda_operators();
  Compute compute;
  compute.device = choose_device(device, compute.reason);
  compute.dtype = choose_dtype(dtype, compute.device, compute.reason);
  return compute;
}

void check_usable(at::Device device) {
  if (device.is_cpu()) return;
  if (device.type() == accelerator().type() && std::max<int>(0, device.index()) < accelerator().count()) return;
  throw DeviceError("device: expected cpu, or cuda on a machine and with a build for it, found " + device.str());
}

std::int64_t peak_memory_bytes(at::Device device) {
  return device.is_cpu() ? peak_resident_memory() : accelerator().peak_bytes(device.index());
}

std::int64_t installed_memory_bytes(at::Device device) {
  return device.is_cpu() ? installed_memory() : accelerator().installed_bytes(device.index());
}

MemoryLimit available_memory(at::Device device) {
  if (device.is_cpu()) return available_memory();
  return {accelerator().free_bytes(device.index()), "free memory of " + device.str()};
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) accelerator().synchronize(device.index());
}

std::string instruction_set(at::Device device) {
  if (!device.is_cpu()) return accelerator().architecture(device.index());
#if defined(__x86_64__)
  std::string text = "x86-64";
#elif defined(__aarch64__)
  std::string text = "aarch64";
#else
  std::string text = "other";
#endif
  // The matrix libraries of LibTorch also choose code by vendor, so the vendor affects the bits of a result.
  for (const std::string& part : {line_after("/proc/cpuinfo", "vendor_id"), at::get_cpu_capability(), cpu_bfloat16(),
                                  "kernels " + std::string(kernels().name)}) {
    if (!part.empty()) text += " " + part;
  }
  return text;
}

}  // namespace rlhf
