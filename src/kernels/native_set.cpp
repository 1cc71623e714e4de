// Prints the best instruction set of this CPU: what RLHF_KERNEL_SETS=native builds, besides plain.
#include <cstdio>

#include "cpu_sets.h"

int main() {
  std::fputs(rlhf::cpu_has_avx512_bf16() ? "avx512_bf16"
             : rlhf::cpu_has_avx512()    ? "avx512"
             : rlhf::cpu_has_avx2()      ? "avx2"
                                         : "plain",
             stdout);
}
