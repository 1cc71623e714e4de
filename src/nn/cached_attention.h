#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/attention.h"
#include "rlhf/nn/kv_cache.h"
#include "rlhf/tensor/packed_batch.h"

#include "nn/split_heads.h"

namespace rlhf {

/// Throws ShapeError unless the batch fits into the free rows of the cache.
void check_prefill_fits(const KvCache& cache, const Segments& segments);
/// Writes the keys and values of every sequence of a packed batch to the first free rows of `layer`.
void write_prefill(KvCache& cache, std::int64_t layer, const SplitHeads& heads, const Segments& segments);

/// The position of the next token of every active row. Computed once per decode step and used by all layers.
struct DecodeStep {
  at::Tensor rows;            ///< [B] int64: 0..B-1
  at::Tensor positions;       ///< [B] int64: number of tokens in the row = position of the new token
  std::int64_t shortest = 0;  ///< length of the shortest row, including the new token
  std::int64_t longest = 0;   ///< L: length of the longest row, including the new token
  /// [B,1,1,L] bool, true for keys that are read: not after the end of the row, not before the window. Undefined if all
  /// keys are read.
  std::optional<at::Tensor> mask(std::int64_t window) const;
};
DecodeStep make_decode_step(const KvCache& cache, at::Device device);

/// Appends the keys and values of qkv to the active rows, then attends: qkv [B,(H+2G)·E] -> [B,H·E].
at::Tensor cached_attention(KvCache& cache, std::int64_t layer, const DecodeStep& step, const at::Tensor& qkv,
                            const AttentionHeads& heads, const AttentionRule& rule);

}  // namespace rlhf
