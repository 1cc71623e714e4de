#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// What the scores q·k become before the softmax: scale · q·k, then capped, then −∞ where a key is not read.
struct AttentionRule {
  double scale = 1;
  std::int64_t window = 0;  ///< a token reads itself and the window − 1 before it; 0: all before it
  double cap = 0;           ///< scores become cap · tanh(score / cap); 0: they stay
};

/// Causal attention inside each segment, and of a segment with a prefix to all of it; grouped-query where K and V have
/// fewer heads.  Fused rows qkv [N,(H+2G)·E], H a multiple of G; result [N,H·E]. Differentiable.
/// CPU: a kernel of our own (float32, bfloat16; no cap, and no window shorter than a sequence). CUDA: the varlen flash
/// operator (bf16, fp16; heads a multiple of 8 and at most 256 wide, no prefixes, no cap). Else LibTorch's attention
/// over runs of neighbouring segments of one length, or segment by segment; with a cap plain products. Throws
/// ShapeError.
at::Tensor packed_attention(const at::Tensor& qkv, const AttentionHeads& heads, const Segments& segments,
                            AttentionRule rule);
/// The same by LibTorch's operators alone: q [N,H,E], k, v [N,G,E] -> [N,H,E].
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            AttentionRule rule);

/// The same by plain products and softmax in the input's dtype, segment by segment: for capped scores, and the judge in
/// tests. Holds the scores of one segment, [H,T,T].
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               const AttentionRule& rule);

}  // namespace rlhf
