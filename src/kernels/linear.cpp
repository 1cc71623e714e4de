// Linear layers with few rows: by dot products or by tiles, whichever is faster.
#include <algorithm>
#include <omp.h>

#include "kernels/dot.h"
#include "kernels/isa_kernels.h"
#include "kernels/linear_tiles.h"

namespace rlhf::RLHF_ISA {
namespace {

// By dot products: each weight is read from memory once. A thread computes a strip of outputs for all rows of x, group
// by group, each group block by block. Both operands are contiguous along `in`, so nothing is packed. The lanes of the
// sums of a block are added at its end.
constexpr std::int64_t kStrip = 32;  // outputs per strip: a cache line of bfloat16 in each row of y
constexpr std::int64_t kOuts = 4;    // outputs per block
#if defined(__AVX512F__)
constexpr int kRows = 4;  // rows per group: 16 sums and 8 operands fit into 32 registers
#else
constexpr int kRows = 1;  // half as many registers, each half as wide
#endif

template <typename T>
struct Linear {
  const T* x;
  const T* weight;
  T* y;
  std::int64_t rows, in, out;
};

/// Rows of weights that a block prefetches while it computes.
struct Ahead {
  std::int64_t begin, end;
};

/// Computes y[r..r+kCount, o..o+kOuts]. Outputs past the last repeat the last one and are not stored. The order of the
/// additions does not depend on the block, so the result of a row does not depend on the other rows.
template <int kCount, typename T>
void linear_block(const Linear<T>& l, std::int64_t first_row, std::int64_t first_out, Ahead ahead) {
  using Dot = DotOf<T>;
  const std::int64_t in = l.in, outs = std::min(kOuts, l.out - first_out);
  const T* const x = l.x + first_row * in;
  const T* w[kOuts] = {l.weight + first_out * in};
  for (std::int64_t o = 1; o < kOuts; ++o) w[o] = w[o - 1] + (o < outs ? in : 0);

  Floats sums[kLanes] = {};
  const auto add_step = [&](std::int64_t i, const auto& read) {
    decltype(Dot::read(x)) a[kCount];
#pragma GCC unroll 4
    for (int r = 0; r < kCount; ++r) a[r] = read(x + r * in + i);
#pragma GCC unroll 4
    for (int o = 0; o < kOuts; ++o) {
      const auto b = read(w[o] + i);
#pragma GCC unroll 4
      for (int r = 0; r < kCount; ++r) sums[r * kOuts + o] = Dot::add_product(sums[r * kOuts + o], a[r], b);
    }
  };
  std::int64_t i = 0;
  for (; i + Dot::kStep <= in; i += Dot::kStep) {
    for (std::int64_t o = ahead.begin; o < ahead.end; ++o) prefetch(l.weight + o * in + i);
    add_step(i, [](const T* p) { return Dot::read(p); });
  }
  if (i < in) add_step(i, [left = in - i](const T* p) { return Dot::read_some(p, left); });

  T results[kLanes];
  store(results, sums_of_each(sums));
  for (int r = 0; r < kCount; ++r) {
    T* const y = l.y + (first_row + r) * l.out + first_out;
    if (outs == kOuts) {
      std::copy_n(results + r * kOuts, kOuts, y);
    } else {
      std::copy_n(results + r * kOuts, outs, y);
    }
  }
}

/// Computes up to kRows rows from `row`, outputs [begin,end). Each group of rows prefetches its share of the next
/// strip.
template <typename T>
void linear_group(const Linear<T>& l, std::int64_t row, std::int64_t begin, std::int64_t end) {
  const std::int64_t groups = (l.rows + kRows - 1) / kRows, group = row / kRows;
  const std::int64_t ahead_begin = kStrip + kOuts * group / groups, ahead_end = kStrip + kOuts * (group + 1) / groups;
  const std::int64_t count = std::min<std::int64_t>(kRows, l.rows - row);
  for (std::int64_t o = begin; o < end; o += kOuts) {
    const Ahead ahead = {o + ahead_begin, std::min(o + ahead_end, l.out)};
    if (count == 1) linear_block<1>(l, row, o, ahead);
    if constexpr (kRows == 4) {
      if (count == 2) linear_block<2>(l, row, o, ahead);
      if (count == 3) linear_block<3>(l, row, o, ahead);
      if (count == 4) linear_block<4>(l, row, o, ahead);
    }
  }
}

template <typename T>
void dot_linear(const Linear<T>& l) {
#pragma omp parallel for schedule(static) if (l.rows * l.in * l.out > kSerialProducts)
  for (std::int64_t begin = 0; begin < l.out; begin += kStrip) {
    const std::int64_t end = std::min(begin + kStrip, l.out);
    for (std::int64_t row = 0; row < l.rows; row += kRows) linear_group(l, row, begin, end);
  }
}

template <typename T>
void tiled_linear(const Linear<T>& l) {
  static thread_local Buffer<std::uint32_t> buffer;
  const TiledLinear<T> product(l.x, l.weight, l.y, l.rows, l.in, l.out);
  std::uint32_t* const packed = buffer.at_least(product.packed_size());
  const std::int64_t tiles = ceil_divide(l.out, kLanes);
#pragma omp parallel if (l.rows * l.in * l.out > kSerialProducts)
  {
#pragma omp for schedule(static)
    for (std::int64_t row = 0; row < l.rows; row += kLanes) product.pack(row, packed);
    const std::int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    product.run(packed, tiles * thread / threads * kLanes, std::min(tiles * (thread + 1) / threads * kLanes, l.out));
  }
}

/// Number of rows up to which dot products are as fast as tiles: all, if the CPU multiplies pairs of bfloat16, else two
/// groups, for which memory bandwidth is the limit.
template <typename T>
constexpr std::int64_t kDotRows = WordsFor<T>::kDepth == 2 ? kMaxRows : 2 * kRows;

}  // namespace

template <typename T>
void few_rows_linear(const T* x, const T* weight, T* y, std::int64_t rows, std::int64_t in, std::int64_t out) {
  for (std::int64_t first = 0; first < rows; first += kMaxRows) {
    const Linear<T> l = {x + first * in, weight, y + first * out, std::min(kMaxRows, rows - first), in, out};
    l.rows <= kDotRows<T> ? dot_linear(l) : tiled_linear(l);
  }
}

template void few_rows_linear(const float*, const float*, float*, std::int64_t, std::int64_t, std::int64_t);
template void few_rows_linear(const BFloat16*, const BFloat16*, BFloat16*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace rlhf::RLHF_ISA
