// The table of kernels of one instruction set.
#include "kernels/isa_kernels.h"

namespace rlhf::RLHF_ISA {
namespace {

template <typename T>
constexpr KernelsOf<T> kernels_of() {
  return {.rms_norm = rms_norm<T>,
          .rms_norm_backward = rms_norm_backward<T>,
          .rotate = rotate<T>,
          .swiglu = swiglu<T>,
          .swiglu_backward = swiglu_backward<T>,
          .logprobs = logprobs<T>,
          .logprobs_backward = logprobs_backward<T>,
          .add_to = add_to<T>,
          .attention = attention<T>,
          .attention_backward = attention_backward<T>,
          .decode_attention = decode_attention<T>,
          .few_rows_linear = few_rows_linear<T>,
          .sample = sample<T>};
}

#define RLHF_TEXT_OF(name) #name
#define RLHF_TEXT(name) RLHF_TEXT_OF(name)

}  // namespace

const Kernels kKernels = {.name = RLHF_TEXT(RLHF_ISA),
                          .fp32 = kernels_of<float>(),
                          .bf16 = kernels_of<BFloat16>(),
                          .adamw = adamw,
                          .byte_adamw = byte_adamw,
                          .sum_of_squares = sum_of_squares};

}  // namespace rlhf::RLHF_ISA
