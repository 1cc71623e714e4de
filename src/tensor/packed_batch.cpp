#include "rlhf/tensor/packed_batch.h"

#include <algorithm>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/segment_reduce.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {
namespace {

template <typename T>
at::Tensor copy_to(std::span<const T> values, at::ScalarType dtype, at::Device device) {
  // Pinned memory would make the copy asynchronous, but the staging tensor dies here, so a plain copy is the safe one.
  at::Tensor staging = at::empty({static_cast<std::int64_t>(values.size())}, at::TensorOptions().dtype(dtype));
  std::copy(values.begin(), values.end(), staging.mutable_data_ptr<T>());
  return staging.to(device);
}

}  // namespace

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

PackedBatch pack(std::span<const TokenIds* const> sequences, at::Device device) {
  if (sequences.empty()) throw ShapeError("pack: expected at least one sequence, found none");
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> positions;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const TokenIds& sequence = *sequences[i];
    if (sequence.empty()) throw ShapeError("pack: expected tokens in sequence " + std::to_string(i) + ", found none");
    lengths.push_back(static_cast<std::int64_t>(sequence.size()));
    tokens.insert(tokens.end(), sequence.begin(), sequence.end());
    for (std::int64_t position = 0; position < lengths.back(); ++position) positions.push_back(position);
  }
  return {to_device(tokens, device), to_device(positions, device), make_segments(lengths, device)};
}

PackedBatch pack(std::span<const TokenIds> sequences, at::Device device) {
  std::vector<const TokenIds*> pointers;
  pointers.reserve(sequences.size());
  for (const TokenIds& sequence : sequences) pointers.push_back(&sequence);
  return pack(std::span<const TokenIds* const>(pointers), device);
}

at::Tensor segment_sum(const at::Tensor& values, const Segments& segments) {
  check_shape(values, "values", {segments.total()});
  return at::segment_reduce(values, "sum", /*lengths=*/{}, /*indices=*/{}, segments.cu_seqlens.to(at::kLong),
                            /*axis=*/0, /*unsafe=*/true, /*initial=*/0);
}

}  // namespace rlhf
