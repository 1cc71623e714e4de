#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// How frequencies are scaled so that a model can read longer texts than in its first training. The members after
/// `longest` are those of the kinds that name them.
struct RopeScaling {
  enum class Kind { none, linear, llama3, yarn, longrope };
  Kind kind = Kind::none;
  double factor = 1;
  /// Sequences with more tokens have other frequencies, for all of their tokens, and are refused; 0: there are none.
  std::int64_t longest = 0;
  double original_positions = 8192;                  ///< llama3, yarn
  double low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  double beta_fast = 32, beta_slow = 1;              ///< yarn: turns over the old context
  bool truncate = true;                              ///< yarn
  std::vector<double> divisors;                      ///< longrope: one per frequency
};

struct Rotary {
  double theta = 10000.0;
  std::int64_t width = 0;    ///< number of columns of each head that are rotated, from the first one; even
  double magnitude = 1;      ///< of cosines and sines; scores are multiplied by its square
  bool interleaved = false;  ///< pairs are neighbours (2i, 2i + 1), not (i, i + width/2)
  RopeScaling scaling;
};

/// f_i = theta^(−2i/width), i < width/2, fp32: [width/2]. Let n_i = original · f_i / 2π be the turns over the old
/// context.
///   linear: f_i / factor;  longrope: f_i / divisor_i
///   llama3, yarn: f_i · (k_i + (1 − k_i) / factor), where k_i is the share of f_i that is kept:
///     llama3: (n_i − low_freq_factor) / (high_freq_factor − low_freq_factor)
///     yarn: (high − i) / (high − low), where low and high are the (real) indices at which n is beta_fast and
///     beta_slow,
///           rounded down and up if `truncate`, in [0, width − 1]
///   between 0 and 1. Sources: arXiv:2309.00071 (yarn), 2402.13753 (longrope).
at::Tensor rotary_frequencies(const Rotary& rotary, at::Device device);

/// Cosines and sines of the angles position · frequency, times the magnitude: [N,width/2] fp32 each. All layers use the
/// same table.
struct RotaryTable {
  at::Tensor cos, sin;
  bool interleaved = false;
};
RotaryTable make_rotary_table(const at::Tensor& positions, const at::Tensor& frequencies, const Rotary& rotary);

/// Rotates the pairs (i, i + width/2) of each head, i < width/2, the layout of most of Hugging Face's weights, or the
/// pairs of neighbours. x [N,H,E] -> [N,H,E]. Differentiable; the arithmetic is fp32 (float64 for float64). Source:
/// arXiv:2104.09864, equation 34.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

/// Rotates the query and key heads of fused rows qkv [N,(H+2G)·E]. The kernels of room `kernels` work in place, so qkv
/// must be a new product that is not used elsewhere.
at::Tensor rotate_heads(const at::Tensor& qkv, const AttentionHeads& heads, const RotaryTable& table);

}  // namespace rlhf
