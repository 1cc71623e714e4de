// Chooses the kernels of the best instruction set of this CPU.
#include <cstdlib>

#include "rlhf/core/error.h"
#include "rlhf/kernels/kernels.h"

namespace rlhf {

#if defined(RLHF_KERNELS_AVX2)
namespace avx512_bf16 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
#endif
namespace plain {
extern const Kernels kKernels;
}

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> available;
#if defined(RLHF_KERNELS_AVX2)
  if (__builtin_cpu_supports("x86-64-v4")) {
    if (__builtin_cpu_supports("avx512bf16")) available.push_back(&avx512_bf16::kKernels);
    available.push_back(&avx512::kKernels);
  }
  if (__builtin_cpu_supports("x86-64-v3")) available.push_back(&avx2::kKernels);
#endif
  available.push_back(&plain::kKernels);
  return available;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* const wanted = std::getenv("RLHF_KERNELS");
    const auto available = available_kernels();
    if (wanted == nullptr || *wanted == '\0') return *available.front();
    std::string names;
    for (const Kernels* const set : available) {
      if (set->name == wanted) return *set;
      names += (names.empty() ? "" : ", ") + std::string(set->name);
    }
    throw DeviceError("RLHF_KERNELS: expected one of " + names + ", found " + wanted);
  }();
  return chosen;
}

}  // namespace rlhf
