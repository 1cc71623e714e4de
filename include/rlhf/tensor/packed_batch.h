#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/core/types.h"

namespace rlhf {

/// The seams of sequences laid end to end. B sequences, N rows in all.
struct Segments {
  std::vector<std::int64_t> offsets;  ///< [B+1] on the host, offsets[0] = 0, offsets[B] = N
  at::Tensor cu_seqlens;              ///< [B+1] int32 on the device, the same numbers
  std::int64_t max_length = 0;
  /// [B]: the earlier segment whose rows each segment goes on from (its prompt, say), −1 for none; empty: none at all.
  std::vector<std::int64_t> prefixes;

  bool has_prefixes() const { return !prefixes.empty(); }
  std::int64_t prefix(std::int64_t i) const { return prefixes.empty() ? -1 : prefixes[static_cast<std::size_t>(i)]; }
  std::int64_t count() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t total() const { return offsets.back(); }
  std::int64_t length(std::int64_t i) const { return offsets[i + 1] - offsets[i]; }
  std::vector<std::int64_t> lengths() const;  ///< [B]
};

Segments make_segments(std::span<const std::int64_t> lengths, at::Device device);

/// The row of each segment's last token: [B] int64 on the device.
at::Tensor last_rows(const Segments& segments);

/// B sequences in one row, no padding: there is no pad token and no mask in this library.
struct PackedBatch {
  at::Tensor tokens;     ///< [N] int64
  at::Tensor positions;  ///< [N] int64, restart at 0 in each sequence
  Segments segments;
};

/// Tokens of a batch that stand alone, or go on from an earlier piece (a prompt that several answers share), whose
/// positions they continue and whose keys and values they read.
struct Piece {
  std::span<const std::int32_t> ids;
  std::int64_t after = -1;  ///< index of that piece, which must stand alone
};
/// Throws ShapeError on an empty list, an empty piece, or one that goes on from no earlier lone one.
PackedBatch pack(std::span<const Piece> pieces, at::Device device);
/// Throws ShapeError on an empty list or an empty sequence.
PackedBatch pack(std::span<const TokenIds> sequences, at::Device device);
/// The same from pointers, so that a micro-batch needs no copies of its samples.
PackedBatch pack(std::span<const TokenIds* const> sequences, at::Device device);

/// int64 tensor on the device from host numbers (one transfer).
at::Tensor to_device(std::span<const std::int64_t> values, at::Device device);
/// fp32 tensor on the device from host numbers.
at::Tensor to_device(std::span<const float> values, at::Device device);

/// Sum of `values` [N] over each segment: [B].
at::Tensor segment_sum(const at::Tensor& values, const Segments& segments);

}  // namespace rlhf
