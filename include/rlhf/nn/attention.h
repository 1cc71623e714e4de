#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// How scores are computed before the softmax: scale · q·k, then the cap or the linear biases, then −∞ for keys that
/// are not read.
struct AttentionRule {
  double scale = 1;
  std::int64_t window = 0;  ///< a token reads itself and the window − 1 tokens before it; 0: all tokens before it
  double cap = 0;           ///< scores become cap · tanh(score / cap); 0: no cap
  bool alibi = false;       ///< adds −slope_h · (number of tokens between query and key); arXiv:2108.12409
};

/// Causal attention within each segment; a segment with a prefix also reads the whole prefix. Grouped-query attention
/// if G < H.
/// Shapes: qkv [N,(H+2G)·E] -> [N,H·E], H a multiple of G. Differentiable. Errors: ShapeError,
/// ArgumentError.
///
/// On a CPU uses the kernel of room `kernels` (float32 and bfloat16, no cap, no linear biases, no window shorter than a
/// sequence). On CUDA uses the varlen flash operator (bf16 and fp16, head width a multiple of 8 and at most 256, no
/// prefixes, no cap, no linear biases). Otherwise uses LibTorch's attention over runs of adjacent segments of equal
/// length, or segment by segment; with a cap, plain products.
at::Tensor packed_attention(const at::Tensor& qkv, const AttentionHeads& heads, const Segments& segments,
                            AttentionRule rule);
/// The same with LibTorch's operators only: q [N,H,E], k, v [N,G,E] -> [N,H,E].
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            AttentionRule rule);

/// The same with plain products and softmax in the dtype of the input, segment by segment. Used for capped scores and
/// as the reference in tests. Needs memory for the scores of one segment, [H,T,T].
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               const AttentionRule& rule);

}  // namespace rlhf
