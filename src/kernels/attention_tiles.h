#pragma once

#include "kernels/matrix_tiles.h"

/// Functions that the forward and the backward pass of attention share.
namespace rlhf::RLHF_ISA {

constexpr float kLog2E = 1.44269504F, kLn2 = 0.693147181F;

/// 2^x for x below 127, relative error below 2e-7. Results below 2^−126 become 2^−126; NaN stays NaN.
/// x = k + r with |r| ≤ 1/2: a minimax polynomial of degree 5 in r, and k added to the exponent.
inline Floats exp2(Floats x) {
  return by_parts(
      [](NativeFloats part) {
        constexpr float kRounding = 12582912.0F;  // 1.5 · 2^23: adding it rounds to an integer
        const NativeFloats least = NativeFloats{} - 126.0F, bounded = least > part ? least : part;
        const NativeFloats shifted = bounded + kRounding;
        const NativeFloats r = bounded - (shifted - kRounding);
        NativeFloats p = r * 1.327647129e-3F + 9.675541893e-3F;
        p = p * r + 5.550713092e-2F;
        p = p * r + 2.402212024e-1F;
        p = p * r + 6.931469440e-1F;
        p = p * r + 1.0F;
        return reinterpret<NativeFloats>(reinterpret<NativeWords>(p) + (reinterpret<NativeWords>(shifted) << 23));
      },
      x);
}

/// A mask of all ones in the lanes below `count`.
inline Ints first_lanes(std::int64_t count) {
  static constexpr std::int32_t kOnesThenZeros[2 * kLanes] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                              -1, -1, -1, -1, -1, -1, -1, -1};
  Ints mask;
  std::memcpy(&mask, kOnesThenZeros + kLanes - std::clamp<std::int64_t>(count, 0, kLanes), sizeof mask);
  return mask;
}
/// `a` where the mask is all ones, else `b`. Bit operations, because compilers vectorise them for every instruction
/// set.
inline Floats choose(Ints mask, Floats a, Floats b) {
  return reinterpret<Floats>((reinterpret<Ints>(a) & mask) | (reinterpret<Ints>(b) & ~mask));
}

/// The keys of a span, numbered from 0: first the rows of the prefix, then the span itself. Query i of the span reads
/// the keys below visible(i).
struct KeyRange {
  explicit KeyRange(const AttentionSpan& span)
      : prefix_begin(span.prefix_begin),
        prefix(std::max<std::int64_t>(span.prefix_end - span.prefix_begin, 0)),
        begin(span.begin),
        queries(span.end - span.begin) {}

  std::int64_t row(std::int64_t key) const { return key < prefix ? prefix_begin + key : begin + key - prefix; }
  std::int64_t count() const { return prefix + queries; }
  std::int64_t visible(std::int64_t query) const { return prefix + query + 1; }
  /// The number of pairs of a query and a key that it reads.
  std::int64_t cost() const { return queries * prefix + queries * (queries + 1) / 2; }

  std::int64_t prefix_begin, prefix, begin, queries;
};

/// Prefetches a row: the rows of a head are too far apart for the hardware prefetcher.
template <typename T>
inline void prefetch_row(const T* row, std::int64_t width) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t i = 0; i < width; i += kLine) __builtin_prefetch(row + i);
}

/// Stores row[i] · factor for a row of sums.
template <typename T>
inline void store_scaled(const float* sums, float factor, T* row, std::int64_t width) {
  for_vectors(width,
              [&](std::int64_t i, const auto& load, const auto& store) { store(row + i, load(sums + i) * factor); });
}

}  // namespace rlhf::RLHF_ISA
