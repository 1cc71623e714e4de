// The absence of CUDA GPUs in words. Without CUDA's headers, so that every build tests it.
#include "tensor/cuda_absence.h"

namespace rlhf {
namespace {

constexpr int kInsufficientDriver = 35, kNoDevice = 100;  // cudaError_t

std::string in_words(int version) {
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

Absence cuda_absence(int status, const std::string& says, int driver_version, int runtime_version) {
  if (status == kNoDevice) return {"an NVIDIA driver without a GPU that this process may use", "use device cpu"};
  if (status != kInsufficientDriver)
    return {"no usable GPU, CUDA error " + std::to_string(status) + ": " + says,
            "see what nvidia-smi says, or use device cpu", /*unexpected=*/true};
  if (driver_version == 0) return {"no NVIDIA driver", "install it, or use device cpu"};
  return {"an NVIDIA driver for " + in_words(driver_version) + ", too old for this build, which needs " +
              in_words(runtime_version),
          "update the driver, or use device cpu", /*unexpected=*/true};
}

}  // namespace rlhf
