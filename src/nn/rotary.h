#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// How frequencies are scaled so that a model can read longer texts than in its first training.
struct RopeScaling {
  enum class Kind { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  double original_positions = 8192;                  ///< llama3
};

struct Rotary {
  double theta = 10000.0;
  std::int64_t width = 0;  ///< number of columns of each head that are rotated, from the first one; even
  RopeScaling scaling;
};

/// theta^(−2i/width), i < width/2, fp32: [width/2]. Linear scaling divides all frequencies by the factor. llama3
/// divides those with wavelengths above original/low_freq_factor, keeps those below original/high_freq_factor, and
/// interpolates between.
at::Tensor rotary_frequencies(const Rotary& rotary, at::Device device);

/// Cosines and sines of the angles position · frequency: [N,width/2] fp32 each. All layers use the same table.
struct RotaryTable {
  at::Tensor cos, sin;
};
RotaryTable make_rotary_table(const at::Tensor& positions, const at::Tensor& frequencies);

/// Rotates the pairs (i, i + width/2) of each head, i < width/2: the layout of Hugging Face's weights. x [N,H,E] ->
/// [N,H,E]. Differentiable; the arithmetic is fp32 (float64 for float64). Source: arXiv:2104.09864, equation 34.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

/// Rotates the query and key heads of fused rows qkv [N,(H+2G)·E]. The kernels of room `kernels` work in place, so qkv
/// must be a new product that is not used elsewhere.
at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table);

}  // namespace rlhf
