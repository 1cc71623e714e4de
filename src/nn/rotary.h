#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// Cosines and sines of the angles position · theta^(−2i/E), i < E/2: [N,E/2] fp32 each. One table serves all layers.
struct RotaryTable {
  at::Tensor cos, sin;
};
RotaryTable make_rotary_table(const at::Tensor& positions, std::int64_t head_dim, double theta);

/// Rotates the pairs (i, i + E/2) of each head: the layout of Hugging Face's weights. x [N,H,E] -> [N,H,E].
/// Differentiable; the arithmetic is fp32 (float64 for float64). Source: arXiv:2104.09864, equation 34.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

/// Rotates the query and key heads of fused rows qkv [N,(H+2G)·E]. Where the room `kernels` has the arithmetic it is
/// done in place: qkv must be a fresh product that nobody else reads.
at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table);

}  // namespace rlhf
