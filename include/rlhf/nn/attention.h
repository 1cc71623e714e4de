#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Causal attention inside each segment, and of a segment with a prefix to all of it; grouped-query where K and V have
/// fewer heads.  Fused rows qkv [N,(H+2G)·E], H a multiple of G; result [N,H·E]. Differentiable.
/// CPU: a kernel of our own (float32, bfloat16). CUDA: the varlen flash operator (bf16, fp16; heads a multiple of 8 and
/// at most 256 wide, no prefixes). Else LibTorch's attention over runs of neighbouring segments of one length. Throws
/// ShapeError.
at::Tensor packed_attention(const at::Tensor& qkv, const AttentionHeads& heads, const Segments& segments, double scale);
/// The same by LibTorch's operators alone: q [N,H,E], k, v [N,G,E] -> [N,H,E].
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            double scale);

/// The same by plain products and softmax in the input's dtype, segment by segment: the judge in tests.
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               double scale);

}  // namespace rlhf
