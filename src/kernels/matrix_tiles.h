#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/buffer.h"
#include "kernels/simd.h"

/// Products of small matrices with fp32 sums: C[rows,columns] = Σ_depth A·B. Elements of A are broadcast to all lanes;
/// B is packed in panels that are read vector by vector. Operands consist of 32-bit words: one float, or, if the CPU
/// multiplies bfloat16, two bfloat16 that are adjacent in the direction of the sum.
namespace rlhf::RLHF_ISA {

// A block of kBlockRows × kPanel sums, one row of B and one element of A must fit into the registers of the CPU.
#if defined(__AVX512F__)
constexpr std::int64_t kNativeLanes = 16, kBlockRows = 6, kPanel = 64;  // 24 of 32 registers
#elif defined(__AVX__)
constexpr std::int64_t kNativeLanes = 8, kBlockRows = 6, kPanel = 16;  // 12 of 16
#elif defined(__aarch64__)
constexpr std::int64_t kNativeLanes = 4, kBlockRows = 6, kPanel = 16;  // 24 of 32
#else
constexpr std::int64_t kNativeLanes = 4, kBlockRows = 3, kPanel = 16;  // 12 of 16
#endif
constexpr std::int64_t kPanelGroups = kPanel / kLanes;

using NativeFloats = float __attribute__((vector_size(4 * kNativeLanes)));
using NativeWords = std::uint32_t __attribute__((vector_size(4 * kNativeLanes)));

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_divide(a, b) * b; }

/// A word is one float.
struct FloatWords {
  using Element = float;
  static constexpr std::int64_t kDepth = 1;
  static NativeFloats multiply_add(NativeFloats sum, NativeWords a, NativeWords b) {
    return sum + reinterpret<NativeFloats>(a) * reinterpret<NativeFloats>(b);
  }
  /// The words of 16 columns from their kDepth rows.
  static Words join(const Floats (&rows)[1]) { return reinterpret<Words>(rows[0]); }
  static Words join_elements(const float* row, std::int64_t /*stride*/) { return reinterpret<Words>(load(row)); }
};

#if defined(__AVX512BF16__)
/// A word is two bfloat16, the first in its low half.
struct PairWords {
  using Element = BFloat16;
  static constexpr std::int64_t kDepth = 2;
  static NativeFloats multiply_add(NativeFloats sum, NativeWords a, NativeWords b) { return dot_pairs(sum, a, b); }
  static Words join(const Floats (&rows)[2]) {
    return zero_extend(narrow(rows[0])) | (zero_extend(narrow(rows[1])) << 16);
  }
  static Words join_elements(const BFloat16* row, std::int64_t stride) {
    return (reinterpret<Words>(load(row)) >> 16) | reinterpret<Words>(load(row + stride));
  }
};
template <typename T>
using WordsFor = std::conditional_t<std::is_same_v<T, BFloat16>, PairWords, FloatWords>;
#else
template <typename T>
using WordsFor = FloatWords;
#endif

/// Stride of copied rows of Arithmetic::Element, which are padded with zeros to whole vectors of words. Sums along the
/// rows read the copies directly; other operands are packed from them. Rows are copied because rows of large arrays map
/// to the same cache sets.
template <typename Arithmetic>
constexpr std::int64_t row_stride(std::int64_t width) {
  return round_up(width, kLanes * Arithmetic::kDepth);
}

template <typename Element, typename T>
inline void copy_row(const T* row, std::int64_t width, Element* to, std::int64_t stride) {
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    if constexpr (std::is_same_v<Element, T>) {
      std::memcpy(to + i, row + i, kLanes * sizeof(T));
    } else {
      store(to + i, load(row + i));
    }
  }
  if (i < width) store(to + i, load_some(row + i, width - i));
  for (i = round_up(width, kLanes); i < stride; i += kLanes) store(to + i, Floats{});
}

/// Copies the rows row_of(0..count) and appends zeros up to a multiple of kLanes rows.
template <typename Arithmetic, typename RowOf>
inline void copy_rows(const RowOf& row_of, std::int64_t count, std::int64_t width, typename Arithmetic::Element* to) {
  const std::int64_t stride = row_stride<Arithmetic>(width);
  for (std::int64_t i = 0; i < count; ++i) copy_row(row_of(i), width, to + i * stride, stride);
  std::fill(to + count * stride, to + round_up(count, kLanes) * stride, typename Arithmetic::Element{});
}

inline void transpose(Words (&rows)[kLanes]) {
  // Four rounds: round k exchanges bit k of the row index with bit k of the lane index.
  const auto exchange = [&rows]<int kBit>(std::integral_constant<int, kBit>) {
    for (std::int64_t i = 0; i < kLanes; ++i) {
      if ((i & kBit) != 0) continue;
      const Words a = rows[i], b = rows[i + kBit];
      const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
      const Words odd = lane & static_cast<std::uint32_t>(kBit);
      rows[i] = __builtin_shuffle(a, b, odd == 0U ? lane : lane + (16U - kBit));
      rows[i + kBit] = __builtin_shuffle(a, b, odd == 0U ? lane + kBit : lane + 16U);
    }
  };
  exchange(std::integral_constant<int, 1>());
  exchange(std::integral_constant<int, 2>());
  exchange(std::integral_constant<int, 4>());
  exchange(std::integral_constant<int, 8>());
}

/// Number of words of a packed matrix with `columns` columns and `steps` words of depth: panels [steps][kPanel].
constexpr std::int64_t packed_words(std::int64_t columns, std::int64_t steps) {
  return round_up(columns, kPanel) * steps;
}

/// Packs B = Mᵀ for a matrix M of copied rows: the sum runs along the rows of M.
template <typename Arithmetic>
inline void pack_transposed(const typename Arithmetic::Element* copied, std::int64_t rows, std::int64_t width,
                            std::uint32_t* packed) {
  const std::int64_t steps = ceil_divide(width, Arithmetic::kDepth), stride = row_stride<Arithmetic>(width);
  for (std::int64_t row = 0; row < rows; row += kLanes) {
    std::uint32_t* const group = packed + row / kPanel * kPanel * steps + row % kPanel;
    for (std::int64_t first = 0; first < steps; first += kLanes) {
      Words block[kLanes];
      for (std::int64_t r = 0; r < kLanes; ++r) {
        std::memcpy(&block[r], copied + (row + r) * stride + first * Arithmetic::kDepth, sizeof(Words));
      }
      transpose(block);
      const std::int64_t count = std::min(kLanes, steps - first);
      for (std::int64_t s = 0; s < count; ++s) {
        std::memcpy(group + (first + s) * kPanel, &block[s], sizeof(Words));
      }
    }
  }
}

/// Packs B = M for a matrix M of copied rows: the sum runs over the rows of M.
template <typename Arithmetic>
inline void pack_rows(const typename Arithmetic::Element* copied, std::int64_t rows, std::int64_t width,
                      std::uint32_t* packed) {
  const std::int64_t steps = ceil_divide(rows, Arithmetic::kDepth), stride = row_stride<Arithmetic>(width);
  for (std::int64_t s = 0; s < steps; ++s) {
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Words words = Arithmetic::join_elements(copied + s * Arithmetic::kDepth * stride + i, stride);
      std::memcpy(packed + (i / kPanel * steps + s) * kPanel + i % kPanel, &words, sizeof words);
    }
  }
}

/// A matrix A in rows that are `stride` elements apart; the sum runs along the rows.
template <typename Element>
struct RowsAlong {
  const Element* elements;
  std::int64_t stride;
  std::uint32_t at(std::int64_t row, std::int64_t step) const {
    constexpr std::int64_t kDepth = sizeof(std::uint32_t) / sizeof(Element);
    std::uint32_t word;
    std::memcpy(&word, elements + row * stride + step * kDepth, sizeof word);
    return word;
  }
};
/// The matrix A = Mᵀ for an M packed by pack_rows.
struct RowsAcross {
  const std::uint32_t* words;
  std::uint32_t at(std::int64_t row, std::int64_t step) const { return words[step * kPanel + row]; }
};

enum class Into { kEmpty, kSum };

/// Called at every step of a block to prefetch; this one prefetches nothing.
struct NothingAhead {
  void operator()(std::int64_t /*step*/) const {}
};

/// Computes one block C (+)= A·B with its sums in registers.
template <typename Arithmetic, Into kInto, std::int64_t kRows, std::int64_t kGroups, typename Left, typename Ahead>
[[gnu::noinline]] void multiply_block(const Left& a, const std::uint32_t* b, std::int64_t steps, float* c,
                                      std::int64_t stride, const Ahead& ahead) {
  constexpr std::int64_t kVectors = kGroups * kLanes / kNativeLanes;
  NativeFloats sums[kRows][kVectors];
#pragma GCC unroll 12
  for (std::int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (std::int64_t v = 0; v < kVectors; ++v) sums[r][v] = NativeFloats{};
  }
  for (std::int64_t s = 0; s < steps; ++s) {
    ahead(s);
    NativeWords right[kVectors];
#pragma GCC unroll 12
    for (std::int64_t v = 0; v < kVectors; ++v) {  // one by one: one copy of the array would not stay in registers
      std::memcpy(&right[v], b + s * kPanel + v * kNativeLanes, sizeof right[v]);
    }
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < kRows; ++r) {
      const NativeWords left = a.at(r, s) - NativeWords{};
#pragma GCC unroll 12
      for (std::int64_t v = 0; v < kVectors; ++v) sums[r][v] = Arithmetic::multiply_add(sums[r][v], left, right[v]);
    }
  }
#pragma GCC unroll 12
  for (std::int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (std::int64_t v = 0; v < kVectors; ++v) {
      float* const to = c + r * stride + v * kNativeLanes;
      if constexpr (kInto == Into::kSum) {
        NativeFloats before;
        std::memcpy(&before, to, sizeof before);
        sums[r][v] += before;
      }
      std::memcpy(to, &sums[r][v], sizeof(NativeFloats));
    }
  }
}

/// C (+)= A·B for up to kRows rows and the first `groups` groups of 16 columns of one panel of B.
template <typename Arithmetic, Into kInto, std::int64_t kRows = kBlockRows, std::int64_t kGroups = kPanelGroups,
          typename Left, typename Ahead = NothingAhead>
inline void multiply(const Left& a, const std::uint32_t* b, std::int64_t steps, float* c, std::int64_t stride,
                     std::int64_t rows, std::int64_t groups, const Ahead& ahead = {}) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return multiply<Arithmetic, kInto, kRows - 1, kGroups>(a, b, steps, c, stride, rows, groups, ahead);
    }
  }
  if constexpr (kGroups > 1) {
    if (groups < kGroups) {
      return multiply<Arithmetic, kInto, kRows, kGroups - 1>(a, b, steps, c, stride, rows, groups, ahead);
    }
  }
  multiply_block<Arithmetic, kInto, kRows, kGroups>(a, b, steps, c, stride, ahead);
}

/// Number of groups of 16 columns in the panel that starts at `first`, of `columns` columns in total.
constexpr std::int64_t groups_of_panel(std::int64_t first, std::int64_t columns) {
  return std::min(kPanelGroups, ceil_divide(columns - first, kLanes));
}

}  // namespace rlhf::RLHF_ISA
