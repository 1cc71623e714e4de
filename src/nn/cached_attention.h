#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/attention.h"
#include "rlhf/nn/kv_cache.h"
#include "rlhf/tensor/packed_batch.h"

#include "nn/split_heads.h"

namespace rlhf {

/// Throws ShapeError unless the batch fits into the cache's free rows.
void check_prefill_fits(const KvCache& cache, const Segments& segments);
/// Writes the keys and values of every sequence of a packed batch to the first free rows of `layer`.
void write_prefill(KvCache& cache, std::int64_t layer, const SplitHeads& heads, const Segments& segments);

/// Where the next token of every active row stands: made once per decoded token, used by all layers.
struct DecodeStep {
  at::Tensor rows;            ///< [B] int64: 0..B-1
  at::Tensor positions;       ///< [B] int64: tokens the row holds = position of the new token
  std::int64_t shortest = 0;  ///< the new token included
  std::int64_t longest = 0;   ///< L, the new token included
  /// [B,1,1,L] bool, true = may be read: not past the row's own end, and not before the window; none where that is all.
  std::optional<at::Tensor> mask(std::int64_t window) const;
};
DecodeStep make_decode_step(const KvCache& cache, at::Device device);

/// Appends the key and value of one fused row per active row, qkv [B,(H+2G)·E], and attends: [B,H·E].
at::Tensor cached_attention(KvCache& cache, std::int64_t layer, const DecodeStep& step, const at::Tensor& qkv,
                            const AttentionHeads& heads, const AttentionRule& rule);

}  // namespace rlhf
