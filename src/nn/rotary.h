#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// How frequencies are lowered so that a model reads further than it was first trained to.
struct RopeScaling {
  enum class Kind { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  double original_positions = 8192;                  ///< llama3
};

struct Rotary {
  double theta = 10000.0;
  std::int64_t width = 0;  ///< columns of each head that turn, from the first; even
  RopeScaling scaling;
};

/// theta^(−2i/width), i < width/2, fp32: [width/2]. Linear scaling divides all of them by the factor; llama3 those
/// whose wave is longer than original/low_freq_factor, none shorter than original/high_freq_factor, and mixes between.
at::Tensor rotary_frequencies(const Rotary& rotary, at::Device device);

/// Cosines and sines of the angles position · frequency: [N,width/2] fp32 each. One table serves all layers alike.
struct RotaryTable {
  at::Tensor cos, sin;
};
RotaryTable make_rotary_table(const at::Tensor& positions, const at::Tensor& frequencies);

/// Rotates the pairs (i, i + width/2) of each head, i < width/2: the layout of Hugging Face's weights. x [N,H,E] ->
/// [N,H,E]. Differentiable; the arithmetic is fp32 (float64 for float64). Source: arXiv:2104.09864, equation 34.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

/// Rotates the query and key heads of fused rows qkv [N,(H+2G)·E]. Where the room `kernels` has the arithmetic it is
/// done in place: qkv must be a fresh product that nobody else reads.
at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table);

}  // namespace rlhf
