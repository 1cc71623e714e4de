#pragma once

#include <algorithm>

#include "kernels/dot.h"
#include "kernels/matrix_tiles.h"

/// y = x·Wᵀ with one row of x per lane: x is packed once, each weight is read in place and broadcast to all lanes, and
/// nothing is added across lanes.
namespace rlhf::RLHF_ISA {

/// Number of rows of x that stay in the second-level cache while the weights are read.
constexpr std::int64_t kMaxRows = 64;

/// The product for up to kMaxRows rows.
template <typename T>
class TiledLinear {
 public:
  TiledLinear(const T* x, const T* weight, T* y, std::int64_t rows, std::int64_t in, std::int64_t out)
      : x_(x), weight_(weight), y_(y), rows_(rows), in_(in), out_(out) {}

  std::int64_t packed_size() const { return packed_words(rows_, in_); }

  /// Packs the kLanes rows of x from `row`, a multiple of kLanes.
  void pack(std::int64_t row, std::uint32_t* packed) const {
    static thread_local Buffer<float> copied;
    float* const rows = copied.at_least(kLanes * row_stride<FloatWords>(in_));
    copy_rows<FloatWords>([&](std::int64_t i) { return x_ + (row + i) * in_; }, std::min(kLanes, rows_ - row), in_,
                          rows);
    pack_transposed<FloatWords>(rows, kLanes, in_, packed + row / kPanel * kPanel * in_ + row % kPanel);
  }

  /// Computes the outputs [begin,end).
  void run(const std::uint32_t* packed, std::int64_t begin, std::int64_t end) const {
    static thread_local Buffer<float> buffer;
    float* const sums = buffer.at_least(kStrip * (kMaxRows + kMaxDepth));
    const std::int64_t pieces = ceil_divide(in_, kMaxDepth);
    for (std::int64_t out = begin; out < end; out += kStrip) {
      const std::int64_t outs = std::min(kStrip, end - out);
      for (std::int64_t piece = 0; piece < pieces; ++piece) {
        const std::int64_t first = in_ * piece / pieces, depth = in_ * (piece + 1) / pieces - first;
        const Piece part = {out, outs, first, depth, weights_at(out, outs, first, depth, sums + kStrip * kMaxRows)};
        for (std::int64_t o = 0; o < outs; o += rows_of_block()) add_block(part, o, packed, sums + o * kMaxRows);
      }
      store_strip(sums, out, outs);
    }
  }

 private:
  static constexpr std::int64_t kStrip = 48;       // outputs, a multiple of kLanes and of the rows of a block
  static constexpr std::int64_t kMaxDepth = 1024;  // inputs per pass: 256 KiB for kMaxRows rows
  static constexpr std::int64_t kHighBlock = 2 * kBlockRows;

  /// The part W[out..out+outs, first..first+depth] of the weights.
  struct Piece {
    std::int64_t out, outs, first, depth;
    RowsAlong<float> weights;
  };

  /// Prefetches weights, one cache line per step.
  struct WeightsAhead {
    const T* weight;
    std::int64_t stride;
    void operator()(std::int64_t step) const { prefetch(weight + step * stride); }
  };

  /// With half as many columns there are registers for twice as many rows.
  bool has_high_blocks() const { return kPanelGroups > 1 && rows_ <= kPanel / 2; }
  std::int64_t rows_of_block() const { return has_high_blocks() ? kHighBlock : kBlockRows; }

  /// sums [rows of the block, kMaxRows] (+)= W·xᵀ for the block of outputs at `o`. Each piece prefetches its share of
  /// the weights of the next block, which follow those of this block.
  void add_block(const Piece& piece, std::int64_t o, const std::uint32_t* packed, float* sums) const {
    const RowsAlong<float> block = {piece.weights.elements + o * piece.weights.stride, piece.weights.stride};
    const std::int64_t rows = std::min(rows_of_block(), piece.outs - o), next = piece.out + o + rows;
    WeightsAhead ahead = {weight_, 0};
    if (next + rows <= out_) ahead = {weight_ + next * in_ + piece.first * rows, rows};
    for (std::int64_t row = 0; row < rows_; row += kPanel) {
      const std::uint32_t* const panel = packed + row * in_ + piece.first * kPanel;
      const std::int64_t groups = groups_of_panel(row, rows_);
      if (piece.first == 0) {
        multiply_rows<Into::kEmpty>(block, panel, piece.depth, sums + row, rows, groups, ahead);
      } else {
        multiply_rows<Into::kSum>(block, panel, piece.depth, sums + row, rows, groups, ahead);
      }
      ahead.stride = 0;
    }
  }

  template <Into kInto>
  void multiply_rows(const RowsAlong<float>& block, const std::uint32_t* panel, std::int64_t depth, float* sums,
                     std::int64_t rows, std::int64_t groups, const WeightsAhead& ahead) const {
    if constexpr (kPanelGroups > 1) {
      if (has_high_blocks()) {
        return multiply<FloatWords, kInto, kHighBlock, kPanelGroups / 2>(block, panel, depth, sums, kMaxRows, rows,
                                                                         groups, ahead);
      }
    }
    multiply<FloatWords, kInto>(block, panel, depth, sums, kMaxRows, rows, groups, ahead);
  }

  /// The weights as floats: in place if T is float, else widened into `copy` [kStrip, depth].
  RowsAlong<float> weights_at(std::int64_t out, std::int64_t outs, std::int64_t first, std::int64_t depth,
                              float* copy) const {
    const T* const weight = weight_ + out * in_ + first;
    if constexpr (std::is_same_v<T, float>) {
      return {weight, in_};
    } else {
      const std::int64_t stride = round_up(depth, kLanes);
      for (std::int64_t o = 0; o < outs; ++o) copy_row(weight + o * in_, depth, copy + o * stride, stride);
      return {copy, stride};
    }
  }

  /// y[.., out..] = sumsᵀ.
  void store_strip(const float* sums, std::int64_t out, std::int64_t outs) const {
    for (std::int64_t o = 0; o < outs; o += kLanes) {
      const std::int64_t count = std::min(kLanes, outs - o);
      for (std::int64_t row = 0; row < rows_; row += kLanes) {
        Words block[kLanes] = {};
        for (std::int64_t i = 0; i < count; ++i) std::memcpy(&block[i], sums + (o + i) * kMaxRows + row, sizeof(Words));
        transpose(block);
        for (std::int64_t r = 0; r < std::min(kLanes, rows_ - row); ++r) {
          T* const to = y_ + (row + r) * out_ + out + o;
          const Floats values = reinterpret<Floats>(block[r]);
          count == kLanes ? store(to, values) : store_some(to, values, count);
        }
      }
    }
  }

  const T* x_;
  const T* weight_;
  T* y_;
  std::int64_t rows_, in_, out_;
};

}  // namespace rlhf::RLHF_ISA
