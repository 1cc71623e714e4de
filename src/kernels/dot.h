#pragma once

#include "kernels/simd.h"

/// Dot products of contiguous rows, several at a time. Shared by the kernels of decoding.
namespace rlhf::RLHF_ISA {

/// Reads a row of T for a dot product: `kStep` elements per vector, the last vector padded with zeros.
template <typename T>
struct DotOf;

template <>
struct DotOf<float> {
  static constexpr std::int64_t kStep = kLanes;
  static Floats read(const float* p) { return load(p); }
  static Floats read_some(const float* p, std::int64_t count) { return load_some(p, count); }
  static Floats add_product(Floats acc, Floats a, Floats b) { return acc + a * b; }
};

template <>
struct DotOf<BFloat16> {
  static constexpr std::int64_t kStep = 2 * kLanes;
  static Pairs read(const BFloat16* p) { return load_pairs(p); }
  static Pairs read_some(const BFloat16* p, std::int64_t count) {
    Pairs x{};
    std::memcpy(&x, p, static_cast<std::size_t>(count) * sizeof *p);
    return x;
  }
  static Floats add_product(Floats acc, Pairs a, Pairs b) { return dot_pairs(acc, a, b); }
};

/// Prefetches a cache line into the second-level cache.
inline void prefetch(const void* p) { __builtin_prefetch(p, /*rw=*/0, /*locality=*/2); }

/// The partial sums of four vectors: lanes 4q..4q+3 hold the sums of quarter q of a, b, c, d. Each line is one unpack
/// instruction on 128-bit lanes, so that four sums cost 9 instructions instead of 4 · 8.
inline Floats quarter_sums(Floats a, Floats b, Floats c, Floats d) {
  const auto fold = [](Floats x, Floats y) {
    return __builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
           __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  };
  const Floats ab = fold(a, b), cd = fold(c, d);
  return __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
         __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

/// Lane i of the result is the sum of x[i]. All sums use the same tree of additions, whatever their lane.
inline Floats sums_of_each(const Floats (&x)[kLanes]) {
  const auto fold = [](Floats a, Floats b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  };
  return fold(fold(quarter_sums(x[0], x[1], x[2], x[3]), quarter_sums(x[4], x[5], x[6], x[7])),
              fold(quarter_sums(x[8], x[9], x[10], x[11]), quarter_sums(x[12], x[13], x[14], x[15])));
}

/// 32 columns as two vectors. For bfloat16 these are the even and the odd columns, which two instructions widen; two
/// vectors of adjacent columns would need four.
struct Wide {
  Floats first, second;
};
constexpr std::int64_t kWide = 2 * kLanes;

inline Wide load_wide(const float* p) { return {load(p), load(p + kLanes)}; }
inline Wide load_wide(const BFloat16* p) {
  const Pairs x = load_pairs(p);
  return {reinterpret<Floats>(x << 16), reinterpret<Floats>(x & 0xffff0000U)};
}
inline void store_wide(float* p, Wide x) {
  store(p, x.first);
  store(p + kLanes, x.second);
}
inline void store_wide(BFloat16* p, Wide x) {
  const Words even = __builtin_convertvector(narrow(x.first), Words);
  const Words odd = __builtin_convertvector(narrow(x.second), Words);
  const Pairs pairs = even | (odd << 16);
  std::memcpy(p, &pairs, sizeof pairs);
}

}  // namespace rlhf::RLHF_ISA
