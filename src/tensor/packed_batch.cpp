// Packs sequences into one batch.
#include "rlhf/tensor/packed_batch.h"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/segment_reduce.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/device.h"

namespace rlhf {
namespace {

template <typename T>
at::Tensor copy_to(std::span<const T> values, at::ScalarType dtype, at::Device device) {
  check_usable(device);
  // A blocking copy would wait for all work that the device was given before. From pageable memory, CUDA has read the
  // tensor when an asynchronous copy returns; from pinned memory it would read it later.
  at::Tensor staging = at::empty({static_cast<std::int64_t>(values.size())}, at::TensorOptions().dtype(dtype));
  std::copy(values.begin(), values.end(), staging.mutable_data_ptr<T>());
  return staging.to(staging.options().device(device), /*non_blocking=*/true);
}

}  // namespace

std::vector<std::int64_t> Segments::lengths() const {
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < count(); ++i) result.push_back(length(i));
  return result;
}

at::Tensor to_device(std::span<const std::int64_t> values, at::Device device) {
  return copy_to(values, at::kLong, device);
}

at::Tensor to_device(std::span<const float> values, at::Device device) { return copy_to(values, at::kFloat, device); }

Segments make_segments(std::span<const std::int64_t> lengths, at::Device device) {
  Segments segments;
  segments.offsets.reserve(lengths.size() + 1);
  segments.offsets.push_back(0);
  for (const std::int64_t length : lengths) {
    if (length < 0) throw ShapeError("segments: expected lengths >= 0, found " + std::to_string(length));
    segments.offsets.push_back(segments.offsets.back() + length);
    segments.max_length = std::max(segments.max_length, length);
  }
  segments.cu_seqlens = to_device(segments.offsets, device).to(at::kInt);
  return segments;
}

void check_segments(const Segments& segments, std::string_view name) {
  const auto& offsets = segments.offsets;
  const auto entries = static_cast<std::int64_t>(offsets.size());
  const at::Tensor& on_device = segments.cu_seqlens;
  const bool agree = entries > 0 && offsets.front() == 0 && std::is_sorted(offsets.begin(), offsets.end()) &&
                     on_device.defined() && on_device.dim() == 1 && on_device.size(0) == entries &&
                     (segments.prefixes.empty() || static_cast<std::int64_t>(segments.prefixes.size()) == entries - 1);
  if (agree) [[likely]]
    return;
  throw ShapeError(std::string(name) +
                   ": expected the bounds of sequences, as make_segments() makes them, found others");
}

at::Tensor last_rows(const Segments& segments) {
  check_segments(segments, "segments");
  return segments.cu_seqlens.narrow(0, 1, segments.count()).to(at::kLong).sub(1);
}

PackedBatch pack(std::span<const Piece> pieces, at::Device device) {
  if (pieces.empty()) throw ShapeError("pack: expected at least one sequence, found none");
  std::vector<std::int64_t> lengths, tokens, positions, prefixes;
  bool shared = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& [ids, after] = pieces[i];
    if (const auto low = std::ranges::min_element(ids); low != ids.end() && *low < 0)
      throw ArgumentError("pack: sequence " + std::to_string(i) + ": expected token ids of at least 0, found " +
                          std::to_string(*low));
    if (ids.empty()) throw ShapeError("pack: expected tokens in sequence " + std::to_string(i) + ", found none");
    if (after < -1 || after >= static_cast<std::int64_t>(i) ||
        (after >= 0 && prefixes[static_cast<std::size_t>(after)] >= 0)) {
      throw ShapeError("pack: sequence " + std::to_string(i) +
                       ": expected a prefix that is an earlier sequence without a prefix, found " +
                       std::to_string(after));
    }
    const std::int64_t first = after < 0 ? 0 : lengths[static_cast<std::size_t>(after)];
    lengths.push_back(static_cast<std::int64_t>(ids.size()));
    prefixes.push_back(after);
    shared = shared || after >= 0;
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    for (std::int64_t t = 0; t < lengths.back(); ++t) positions.push_back(first + t);
  }
  PackedBatch batch{to_device(tokens, device), to_device(positions, device), make_segments(lengths, device)};
  if (shared) batch.segments.prefixes = std::move(prefixes);
  return batch;
}

PackedBatch pack(std::span<const TokenIds* const> sequences, at::Device device) {
  std::vector<Piece> pieces;
  for (const TokenIds* const sequence : sequences) {
    if (sequence == nullptr)
      throw ShapeError("pack: expected sequence " + std::to_string(pieces.size()) + ", found a null pointer");
    pieces.push_back({*sequence});
  }
  return pack(std::span<const Piece>(pieces), device);
}

PackedBatch pack(std::span<const TokenIds> sequences, at::Device device) {
  std::vector<Piece> pieces;
  for (const TokenIds& sequence : sequences) pieces.push_back({sequence});
  return pack(std::span<const Piece>(pieces), device);
}

at::Tensor segment_sum(const at::Tensor& values, const Segments& segments) {
  check_segments(segments, "segments");
  check_shape(values, "values", {segments.total()});
  check_floating(values, "values");
  check_device(values, "values", segments.cu_seqlens.device());
  return at::segment_reduce(values, "sum", /*lengths=*/{}, /*indices=*/{}, segments.cu_seqlens.to(at::kLong),
                            /*axis=*/0, /*unsafe=*/true, /*initial=*/0);
}

at::Tensor segment_lengths(const Segments& segments) {
  check_segments(segments, "segments");
  const at::Tensor offsets = segments.cu_seqlens.to(at::kLong);
  return offsets.slice(0, 1).sub(offsets.slice(0, 0, -1));
}

at::Tensor segment_repeat(const at::Tensor& values, const Segments& segments) {
  check_shape(values, "values", {segments.count()});
  check_device(values, "values", segments.cu_seqlens.device());
  return values.repeat_interleave(segment_lengths(segments), /*dim=*/0, /*output_size=*/segments.total());
}

}  // namespace rlhf
