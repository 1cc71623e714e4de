// Chooses device and dtype, and reads properties of the hardware.
#include "rlhf/tensor/device.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/memory.h"
#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/rank_device.h"

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

/// A GPU, and why it is the one.
struct ChosenGpu {
  int index;
  std::string why;
};
/// The GPU of one of several ranks on this machine, each of which has its own.
ChosenGpu choose_gpu_of_rank(const DeviceChoice& choice, int count, const RankPlace& place) {
  const int ranks = std::max(place.local_size, place.local_rank + 1);  // srun does not tell how many there are
  const std::string where = " ranks of this machine, found ";
  if (choice.index)
    throw DeviceError("device: expected cuda, a GPU for each of the " + std::to_string(ranks) + where + choice.text());
  if (ranks > count)
    throw DeviceError("device: expected a GPU for each of the " + std::to_string(ranks) + where +
                      std::to_string(count) + "; hint: start fewer ranks, or set the device to cpu");
  return {place.local_rank, "the GPU of local rank " + std::to_string(place.local_rank)};
}

ChosenGpu choose_gpu(const DeviceChoice& choice, int count, const RankPlace& place) {
  if (place.local_size > 1 || place.local_rank > 0) return choose_gpu_of_rank(choice, count, place);
  const std::string below = " below " + std::to_string(count) + ", the number of GPUs, found ";
  if (choice.index) {
    if (*choice.index < count) return {*choice.index, "requested"};
    throw DeviceError("device: expected cuda:N with N" + below + choice.text());
  }
  const char* const rank = std::getenv("LOCAL_RANK");
  if (rank == nullptr) return {0, choice == DeviceChoice::cuda ? "requested" : "a GPU is available"};
  const auto own = DeviceChoice::of_text(std::string("cuda:") + rank);
  if (own && *own->index < count) return {*own->index, "the GPU of LOCAL_RANK"};
  throw DeviceError("LOCAL_RANK: expected a whole number" + below + "\"" + rank +
                    "\"; hint: start one process per GPU, or choose one with device cuda:N");
}

/// Makes the device the current one before anything runs on another: a context on a GPU takes memory there.
void make_current(at::Device device, const std::string& name) try {
  c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
} catch (const c10::Error& error) {
  const std::string message = error.what_without_backtrace();
  throw DeviceError("device: expected to use " + name + ", found: " + message.substr(0, message.find('\n')));
}

/// The CPU, because there is no GPU.
at::Device fall_back(const DeviceChoice& choice, std::string& reason) {
  const Absence why = accelerator().why_none();
  const std::string message = "expected a GPU, found " + why.found + "; hint: " + why.hint;
  if (choice.kind == DeviceChoice::Kind::cuda) throw DeviceError("device: " + message);
  if (why.unexpected) log_warning("device: the CPU is used: " + message);
  reason = "cpu: no CUDA device" + (why.unexpected ? " (found " + why.found + ")" : "");
  return at::kCPU;
}

at::Device choose_device(const DeviceChoice& choice, const RankPlace& place, std::string& reason) {
  if (choice.kind == DeviceChoice::Kind::cpu) {
    reason = "cpu: requested";
    return at::kCPU;
  }
  const int count = accelerator().count();
  if (count == 0) return fall_back(choice, reason);
  const ChosenGpu gpu = choose_gpu(choice, count, place);
  const at::Device device(accelerator().type(), static_cast<c10::DeviceIndex>(gpu.index));
  const std::string name = "cuda:" + std::to_string(gpu.index);
  make_current(device, name);
  reason = name + " (" + accelerator().name(device.index()) + "): " + gpu.why;
  return device;
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
                        accelerator().name(device.index()) + " (" + accelerator().architecture(device.index()) +
                        "); hint: set dtype to float32");
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

/// The index of a GPU, which must be there.
c10::DeviceIndex index_of(at::Device device) {
  check_usable(device);
  return std::max<c10::DeviceIndex>(0, device.index());
}

}  // namespace

Compute resolve_compute(const DeviceChoice& device, DtypeChoice dtype, const RankPlace& place) {
  set_cuda_operators();
  Compute compute;
  compute.device = choose_device(device, place, compute.reason);
  compute.dtype = choose_dtype(dtype, compute.device, compute.reason);
  return compute;
}

Compute resolve_compute(const DeviceChoice& device, DtypeChoice dtype) {
  return resolve_compute(device, dtype, RankPlace());
}

void check_usable(at::Device device) {
  if (device.is_cpu()) return;
  if (device.type() == accelerator().type() && std::max<int>(0, device.index()) < accelerator().count()) return;
  throw DeviceError("device: expected cpu, or cuda on a machine and with a build for it, found " + device.str());
}

std::int64_t peak_memory_bytes(at::Device device) {
  return device.is_cpu() ? peak_resident_memory() : accelerator().peak_bytes(index_of(device));
}

std::int64_t installed_memory_bytes(at::Device device) {
  return device.is_cpu() ? installed_memory() : accelerator().installed_bytes(index_of(device));
}

MemoryLimit available_memory(at::Device device) {
  if (device.is_cpu()) return available_memory();
  return {accelerator().free_bytes(index_of(device)), "free memory of " + device.str()};
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) accelerator().synchronize(index_of(device));
}

std::string instruction_set(at::Device device) {
  if (!device.is_cpu()) return accelerator().architecture(index_of(device));
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
