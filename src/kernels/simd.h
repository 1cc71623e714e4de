#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "rlhf/kernels/kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/// Vectors of 16 floats in the vector types of the compiler, so that one source serves every instruction set. Each
/// kernel file is compiled once per set, inside namespace rlhf::RLHF_ISA (src/kernels/CMakeLists.txt).
namespace rlhf::RLHF_ISA {

constexpr std::int64_t kLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Ints = std::int32_t __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));  // 16 bfloat16

template <typename To, typename From>
inline To reinterpret(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

inline Floats splat(float x) { return x - Floats{}; }

inline float widen(float x) { return x; }
inline float widen(BFloat16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }
inline Words zero_extend(Halves x) {
#if defined(__AVX512F__)
  // One instruction; GCC 12 emits three for __builtin_convertvector.
  return reinterpret<Words>(_mm512_maskz_cvtepu16_epi32(0xffff, reinterpret<__m256i>(x)));
#else
  return __builtin_convertvector(x, Words);
#endif
}
inline Floats widen(Halves x) { return reinterpret<Floats>(zero_extend(x) << 16); }

/// Rounds to nearest, ties to even; NaN stays NaN.
inline std::uint16_t narrow_bits(float x) {
  const auto word = std::bit_cast<std::uint32_t>(x);
  if (x != x) return static_cast<std::uint16_t>((word >> 16) | 0x40U);
  return static_cast<std::uint16_t>((word + 0x7fffU + ((word >> 16) & 1U)) >> 16);
}
inline Halves narrow(Floats x) {
#if defined(__AVX512BF16__)
  return reinterpret<Halves>(_mm512_cvtneps_pbh(reinterpret<__m512>(x)));
#else
  const Words word = reinterpret<Words>(x);
  const Words rounded = (word + 0x7fffU + ((word >> 16) & 1U)) >> 16;
  const Words quiet = (word >> 16) | 0x40U;
  const auto is_number = reinterpret<Words>(x == x);
  return __builtin_convertvector((rounded & is_number) | (quiet & ~is_number), Halves);
#endif
}

inline Floats load(const float* p) {
  Floats x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
inline Floats load(const BFloat16* p) {
  Halves x;
  std::memcpy(&x, p, sizeof x);
  return widen(x);
}
inline void store(float* p, Floats x) { std::memcpy(p, &x, sizeof x); }
inline void store(BFloat16* p, Floats x) {
  const Halves halves = narrow(x);
  std::memcpy(p, &halves, sizeof halves);
}
inline void store(float* p, float x) { *p = x; }
inline void store(BFloat16* p, float x) { p->bits = narrow_bits(x); }

/// Loads the first `count` < kLanes elements; the other lanes are `fill`.
template <typename T>
inline Floats load_some(const T* p, std::int64_t count, float fill = 0) {
  float lanes[kLanes];
  for (std::int64_t i = 0; i < kLanes; ++i) lanes[i] = i < count ? widen(p[i]) : fill;
  return load(lanes);
}
template <typename T>
inline void store_some(T* p, Floats x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) store(p + i, x[i]);
}

/// Calls body(offset, load, store) for `count` elements: for whole vectors, then for the rest. `load(p)` and `store(p,
/// x)` take pointers to the element at `offset`.
template <typename Body>
inline void for_vectors(std::int64_t count, const Body& body) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    body(
        i, [](const auto* p) { return load(p); }, [](auto* p, Floats x) { store(p, x); });
  }
  const std::int64_t left = count - i;
  if (left > 0) {
    body(
        i, [left](const auto* p) { return load_some(p, left); }, [left](auto* p, Floats x) { store_some(p, x, left); });
  }
}

/// Applies op(x…) to parts of the native vector width: GCC 12 compares wider vectors element by element and keeps them
/// in memory between operations.
template <typename Op, typename... Vectors>
inline Floats by_parts(const Op& op, Vectors... x) {
#if defined(__AVX512F__)
  using Part = Floats;
#elif defined(__AVX__)
  using Part = float __attribute__((vector_size(32)));
#else
  using Part = float __attribute__((vector_size(16)));
#endif
  Floats result;
  for (std::size_t at = 0; at < sizeof(Floats); at += sizeof(Part)) {
    const auto part = [at](const Floats& whole) {
      Part some;
      std::memcpy(&some, reinterpret_cast<const char*>(&whole) + at, sizeof some);
      return some;
    };
    const Part some = op(part(x)...);
    std::memcpy(reinterpret_cast<char*>(&result) + at, &some, sizeof some);
  }
  return result;
}
inline Floats max(Floats a, Floats b) {
  return by_parts([](auto x, auto y) { return x > y ? x : y; }, a, b);
}
inline Floats min(Floats a, Floats b) {
  return by_parts([](auto x, auto y) { return x < y ? x : y; }, a, b);
}

/// Moves lane i ^ width to lane i.
inline Floats across(Floats x, std::int32_t width) {
  const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return __builtin_shuffle(x, lane ^ width);
}

/// The sum of the lanes, in a fixed tree of additions that is the same for every instruction set.
inline float sum(Floats x) {
#if defined(__AVX512F__)
  for (const std::int32_t width : {8, 4, 2, 1}) x += across(x, width);  // the same tree, in registers
  return x[0];
#else
  float lanes[kLanes];
  store(lanes, x);
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::int64_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
#endif
}
inline float largest(Floats x) {
#if defined(__AVX512F__)
  for (const std::int32_t width : {8, 4, 2, 1}) x = max(x, across(x, width));
  return x[0];
#else
  float lanes[kLanes];
  store(lanes, x);
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::int64_t i = 0; i < width; ++i) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
  }
  return lanes[0];
#endif
}

/// e^x, relative error below 2e-7; 0 for x below −87.3, e^88 for x above 88.
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2: an economised Taylor polynomial of degree 6 in r, and k added to the exponent.
inline Floats exp(Floats x) {
  const Floats clamped = min(splat(88.0F), max(splat(-87.33F), x));  // this order keeps NaN
  constexpr float kRounding = 12582912.0F;                           // 1.5 · 2^23: adding it rounds to an integer
  const Floats shifted = clamped * 1.44269504F + kRounding;
  const Floats k = shifted - kRounding;
  const Floats r = (clamped - k * 0.693359375F) + k * 2.12194440e-4F;
  Floats p = splat(1.9875691500e-4F);
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const Words exponent = reinterpret<Words>(__builtin_convertvector(k, Ints) + 127) << 23;
  const Floats result = p * reinterpret<Floats>(exponent);
  return by_parts([]<typename Part>(Part e, Part argument) { return argument < Part{} - 87.33F ? Part{} : e; }, result,
                  x);
}

/// 32 bfloat16, two per lane.
using Pairs = std::uint32_t __attribute__((vector_size(64)));
inline Pairs load_pairs(const BFloat16* p) {
  Pairs x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
/// acc + a·b for pairs of bfloat16: each lane adds the two products of its pair.
inline Floats dot_pairs(Floats acc, Pairs a, Pairs b) {
#if defined(__AVX512BF16__)
  return reinterpret<Floats>(
      _mm512_dpbf16_ps(reinterpret<__m512>(acc), reinterpret<__m512bh>(a), reinterpret<__m512bh>(b)));
#else
  acc += reinterpret<Floats>(a & 0xffff0000U) * reinterpret<Floats>(b & 0xffff0000U);
  return acc + reinterpret<Floats>(a << 16) * reinterpret<Floats>(b << 16);
#endif
}

/// Work (in elements) below which a second thread costs more than it saves.
constexpr std::int64_t kSerial = 16384;
/// The same for multiply-adds: about 5 µs of work.
constexpr std::int64_t kSerialProducts = 8 * kSerial;

}  // namespace rlhf::RLHF_ISA
