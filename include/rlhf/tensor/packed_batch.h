#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/core/types.h"

namespace rlhf {

/// The bounds of B sequences that are concatenated to N rows.
struct Segments {
  std::vector<std::int64_t> offsets;  ///< [B+1] on the host, offsets[0] = 0, offsets[B] = N
  at::Tensor cu_seqlens;              ///< [B+1] int32 on the device: the same numbers
  std::int64_t max_length = 0;
  /// [B]: the index of the earlier segment that is the prefix of each segment (for example its prompt), −1 for none;
  /// empty if no segment has a prefix.
  std::vector<std::int64_t> prefixes;

  bool has_prefixes() const { return !prefixes.empty(); }
  std::int64_t prefix(std::int64_t i) const { return prefixes.empty() ? -1 : prefixes[static_cast<std::size_t>(i)]; }
  std::int64_t count() const { return offsets.empty() ? 0 : static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t total() const { return offsets.empty() ? 0 : offsets.back(); }
  std::int64_t length(std::int64_t i) const { return offsets[i + 1] - offsets[i]; }
  std::vector<std::int64_t> lengths() const;  ///< [B]
};

Segments make_segments(std::span<const std::int64_t> lengths, at::Device device);

/// Throws ShapeError unless the parts of `segments` agree; make_segments() makes them so. Reads host numbers only.
void check_segments(const Segments& segments, std::string_view name);

/// The row of each segment's last token: [B] int64 on the device.
at::Tensor last_rows(const Segments& segments);

/// B sequences, concatenated without padding: there is no pad token and no padding mask in this library.
struct PackedBatch {
  at::Tensor tokens;     ///< [N] int64
  at::Tensor positions;  ///< [N] int64, from 0 in each sequence
  Segments segments;
  double share = 1;  ///< of the batch of an optimizer step, if this is a micro-batch: weighs the loss of routers
};

/// A run of tokens of a packed batch. It is a whole sequence, or it continues an earlier piece (its prefix, for example
/// a prompt that several completions share): then its positions continue those of the prefix, and its attention reads
/// the prefix's keys and values.
struct Piece {
  std::span<const std::int32_t> ids;
  std::int64_t after = -1;  ///< index of the prefix, a piece without a prefix; −1 for none
};
/// Packs pieces into one segment each. Throws ShapeError if there is no piece, if a piece is empty, or if its prefix is
/// not an earlier piece without a prefix, ArgumentError for a negative id, and DeviceError for a device that is not
/// there.
PackedBatch pack(std::span<const Piece> pieces, at::Device device);
/// Packs whole sequences. Throws ShapeError if there is no sequence or one is empty.
PackedBatch pack(std::span<const TokenIds> sequences, at::Device device);
/// The same from pointers, so that a micro-batch needs no copies of its samples.
PackedBatch pack(std::span<const TokenIds* const> sequences, at::Device device);

/// Copies host numbers to an int64 tensor on the device (one transfer).
at::Tensor to_device(std::span<const std::int64_t> values, at::Device device);
/// Copies host numbers to an fp32 tensor on the device.
at::Tensor to_device(std::span<const float> values, at::Device device);

/// Sums `values` over each segment: [N] -> [B]. Errors: ShapeError.
at::Tensor segment_sum(const at::Tensor& values, const Segments& segments);

/// The value of its segment for each row: [B] -> [N]. Errors: ShapeError.
at::Tensor segment_repeat(const at::Tensor& values, const Segments& segments);

/// The lengths of the segments: [B] int64 on the device.
at::Tensor segment_lengths(const Segments& segments);

}  // namespace rlhf
