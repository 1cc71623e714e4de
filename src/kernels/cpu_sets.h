// Which instruction sets the CPU has: for dispatch.cpp at run time and for native_set.cpp when CMake configures.
#pragma once

namespace rlhf {

#if defined(__x86_64__)
inline bool cpu_has_avx2() { return __builtin_cpu_supports("x86-64-v3"); }
inline bool cpu_has_avx512() { return __builtin_cpu_supports("x86-64-v4"); }
inline bool cpu_has_avx512_bf16() { return cpu_has_avx512() && __builtin_cpu_supports("avx512bf16"); }
#else
inline bool cpu_has_avx2() { return false; }
inline bool cpu_has_avx512() { return false; }
inline bool cpu_has_avx512_bf16() { return false; }
#endif

}  // namespace rlhf
