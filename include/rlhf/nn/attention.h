#pragma once

#include <ATen/core/Tensor.h>

#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// Causal attention inside each segment; grouped-query where K and V have fewer heads.
/// Shapes: q [N,H,E], k, v [N,G,E], H a multiple of G; result [N,H,E]. Differentiable.
/// CPU: flash attention in fp32 over runs of neighbouring segments of one length, so order sequences by length. CUDA:
/// the varlen flash operator (bf16, fp16; heads a multiple of 8 and at most 256 wide), else by runs too. Throws
/// ShapeError.
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            double scale);

/// The same by plain products and softmax in the input's dtype, segment by segment: the judge in tests.
at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               double scale);

}  // namespace rlhf
