// Chooses the kernels of the best instruction set that was built and that this CPU has.
#include <cstdlib>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/kernels/kernels.h"

#include "kernels/cpu_sets.h"

namespace rlhf {

namespace avx512_bf16 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace plain {
extern const Kernels kKernels;
}

namespace {

const Kernels& chosen_by_name(const std::vector<const Kernels*>& available, std::string_view wanted) {
  std::string names;
  for (const Kernels* const set : available) {
    if (set->name == wanted) return *set;
    names += (names.empty() ? "" : ", ") + std::string(set->name);
  }
  throw DeviceError("RLHF_KERNELS: expected one of " + names + ", found " + std::string(wanted));
}

/// A build for the machine that compiled it (RLHF_KERNEL_SETS=native) runs anywhere, but not at full speed.
void warn_if_slow(const Kernels& best) {
  const bool slow = best.name == "plain" ? cpu_has_avx2() : best.name == "avx2" && cpu_has_avx512();
  if (slow)
    log_warning("kernels: expected a build with the instruction set of this processor, found one that has only " +
                std::string(best.name) + ", which is slower; configure with -DRLHF_KERNEL_SETS=all");
}

const Kernels& choose() {
  const auto available = available_kernels();
  const char* const wanted = std::getenv("RLHF_KERNELS");
  if (wanted != nullptr && *wanted != '\0') return chosen_by_name(available, wanted);
  warn_if_slow(*available.front());
  return *available.front();
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> available;
#if defined(RLHF_KERNELS_AVX512_BF16)
  if (cpu_has_avx512_bf16()) available.push_back(&avx512_bf16::kKernels);
#endif
#if defined(RLHF_KERNELS_AVX512)
  if (cpu_has_avx512()) available.push_back(&avx512::kKernels);
#endif
#if defined(RLHF_KERNELS_AVX2)
  if (cpu_has_avx2()) available.push_back(&avx2::kKernels);
#endif
  available.push_back(&plain::kKernels);
  return available;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace rlhf
