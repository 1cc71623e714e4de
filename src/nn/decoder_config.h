#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "rlhf/nn/causal_lm.h"

#include "nn/activation.h"
#include "nn/norm.h"
#include "nn/rotary.h"

namespace rlhf {

/// The tensor names of a family, without ".weight" and ".bias". The names of a layer are prefixed by `layers` and the
/// number of the layer. Names of parts that a family does not have are empty.
struct DecoderNames {
  std::string base;  ///< the prefix of the decoder's names in the file of a language model, for example "model."
  std::string embedding, embedding_norm, positions, final_norm, head, layers;
  std::string head_bias;  ///< with its ending, unlike the others
  std::string attention_norm;
  std::vector<std::string> query_key_value;  ///< three tensors, or one with all rows
  std::string query_norm, key_norm, output, attention_post_norm;
  std::string mlp_norm;
  std::vector<std::string>
      gate_up;  ///< gate and up as two tensors or one; or the single projection of an ungated layer
  std::string down, mlp_post_norm;
  std::string router, experts, shared_expert, shared_gate;  ///< `experts` and `shared_expert` are prefixes
  std::vector<std::string> expert_gate_up;                  ///< of each expert, also of the shared one
  std::string expert_down;
};

/// The properties that differ between layers.
struct LayerKind {
  static constexpr std::size_t kNotRotated = std::numeric_limits<std::size_t>::max();
  std::int64_t window = 0;  ///< number of tokens that a token reads, including itself; 0: all tokens before it
  std::size_t rotary = 0;   ///< index into DecoderConfig::rotaries, or kNotRotated
  bool dense = false;       ///< has no experts, though the model has
};

/// The experts of the feed-forward parts, each gated and without biases: a token gets the sum of those that its router
/// chooses, weighted by their probabilities, and of the shared expert, weighted by a sigmoid.
struct Experts {
  std::int64_t count = 0;  ///< 0: there are none
  std::int64_t per_token = 0;
  std::int64_t width = 0, shared_width = 0, dense_width = 0;  ///< of an expert, the shared one, a layer without experts
  bool normalized = false;                                    ///< the weights of a token's experts sum to 1
  double balance_coef = 0;                                    ///< weight of the load-balancing loss of the routers
};

/// Everything that defines the computation of a decoder. A family fills it from its config.json.
struct DecoderConfig {
  ModelShape shape;
  std::vector<LayerKind> layers;  ///< empty: all layers are equal, without a window
  NormKind norm = NormKind::rms;
  double norm_eps = 1e-6;
  bool norm_bias = true;          ///< of layer norms
  bool norms_whole_rows = false;  ///< one norm over all query heads and one over all key heads, not one per head
  /// Attention and feed-forward part read the same residual stream and are added to it together. Without names.mlp_norm
  /// they have one norm.
  bool parallel_residual = false;
  Activation activation = Activation::silu;
  bool qkv_bias = false, output_bias = false, mlp_bias = false;
  std::vector<Rotary> rotaries;      ///< empty: learned position embeddings, or alibi
  bool bounded_positions = false;    ///< refuses positions from shape.max_positions on
  bool alibi = false;                ///< linear biases instead of position embeddings
  std::int64_t position_offset = 0;  ///< rows of the position table before position 0
  Experts experts;
  double attention_scale = 0;               ///< 0: 1/√head_dim
  double attention_cap = 0, logit_cap = 0;  ///< c · tanh(x / c); 0: none
  double embedding_scale = 1;
  double residual_scale = 1;        ///< of what attention and feed-forward part add
  double logit_scale = 1;           ///< logits are multiplied by it
  bool transposed_weights = false;  ///< FileLayout::transposed for the matrices of all layers
  bool interleaved_heads = false;   ///< FileLayout::interleaved_heads for query‖key‖value
  DecoderNames names;

  bool has_experts(std::int64_t number) const { return experts.count > 0 && !layer(number).dense; }
  LayerKind layer(std::int64_t i) const { return layers.empty() ? LayerKind{} : layers[static_cast<std::size_t>(i)]; }
};

}  // namespace rlhf
