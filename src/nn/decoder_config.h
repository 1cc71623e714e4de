#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/nn/causal_lm.h"

#include "nn/activation.h"
#include "nn/norm.h"
#include "nn/rotary.h"

namespace rlhf {

/// How a family names the tensors of a decoder, without ".weight" and ".bias". Names of a layer follow `layers` and the
/// layer's number. What a family does not have is empty.
struct DecoderNames {
  std::string base;  ///< what a language model's file puts in front of the names of its trunk, "model." say
  std::string embedding, positions, final_norm, head, layers;
  std::string attention_norm;
  std::vector<std::string> query_key_value;  ///< three tensors, or one that holds all rows
  std::string query_norm, key_norm, output, attention_post_norm;
  std::string mlp_norm;
  std::vector<std::string> gate_up;  ///< gate and up as two tensors or one, or the one projection of an ungated layer
  std::string down, mlp_post_norm;
};

/// What differs from layer to layer.
struct LayerKind {
  std::int64_t window = 0;  ///< tokens that a token reads, itself included; 0: all before it
  std::size_t rotary = 0;   ///< index into DecoderConfig::rotaries
};

/// Everything that fixes the arithmetic of a decoder. A family fills it from its config.json.
struct DecoderConfig {
  ModelShape shape;
  std::vector<LayerKind> layers;  ///< empty: all alike, without a window
  NormKind norm = NormKind::rms;
  double norm_eps = 1e-6;
  /// Attention and feed-forward layer read the same residual stream and are added to it together.
  bool parallel_residual = false;
  Activation activation = Activation::silu;
  bool gated = true;  ///< activation(gate) · up, else activation(up)
  bool qkv_bias = false, output_bias = false, mlp_bias = false;
  std::vector<Rotary> rotaries;             ///< empty: positions have embeddings of their own
  std::int64_t position_offset = 0;         ///< rows of the positions' table before position 0
  double attention_scale = 0;               ///< 0: 1/√head_dim
  double attention_cap = 0, logit_cap = 0;  ///< c · tanh(x / c); 0: none
  double embedding_scale = 1;
  bool transposed_weights = false;  ///< FileLayout::transposed, of every layer's matrices
  bool interleaved_heads = false;   ///< FileLayout::interleaved_heads, of query‖key‖value
  DecoderNames names;

  LayerKind layer(std::int64_t i) const { return layers.empty() ? LayerKind{} : layers[static_cast<std::size_t>(i)]; }
};

}  // namespace rlhf
