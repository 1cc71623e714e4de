#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/config_fields.h"
#include "nn/decoder_config.h"

/// What config.json means in more than one family. Each throws ModelError naming the key.
namespace rlhf {

/// Sizes under the names that most families use. Where `tie_word_embeddings` is not said, `tied` is what the family
/// does; the same for `head_dim` (0: hidden_size / num_attention_heads) and `max_position_embeddings`.
struct ShapeDefaults {
  bool tied = false;
  std::int64_t head_dim = 0;
  std::int64_t max_positions = 2048;
};
ModelShape read_shape(const ConfigFields& config, const ShapeDefaults& defaults = {});
/// Fills what follows from the other sizes, and refuses heads that do not divide them.
void complete_heads(const ConfigFields& config, ModelShape& shape, std::optional<std::int64_t> head_dim);

/// Refuses anything but the names that `transformers` gives to the functions we have.
Activation read_activation(const ConfigFields& config, const std::string& key, const std::string& fallback);

/// The rotary positions of all layers. Version 5 of `transformers` keeps them in `rope_parameters`; before,
/// `rope_theta` (and some families' `theta_key`, `share_key`) stood beside `rope_scaling`. Refuses scalings that we do
/// not have.
struct RotaryDefaults {
  double theta = 10000.0, share = 1.0;
  std::string theta_key = "rope_theta", share_key = "partial_rotary_factor";
};
Rotary read_rotary(const ConfigFields& config, std::int64_t head_dim, const RotaryDefaults& defaults = {});
/// One section that says all: version 5's spelling for one type of layer.
Rotary read_rotary_section(const ConfigFields& rope, std::int64_t head_dim, const RotaryDefaults& defaults);

/// Layers that read all before them and layers with a window, as `layer_types` lists them; else by `slides`.
std::vector<LayerKind> read_layers(const ConfigFields& config, std::int64_t count, std::int64_t window,
                                   const std::function<bool(std::int64_t)>& slides);
/// `sliding_window`; 0 where it is null, `fallback` where it is not there.
std::int64_t read_window(const ConfigFields& config, std::int64_t fallback);

/// Refuses a flag that asks for what the decoder does not compute.
void refuse_flag(const ConfigFields& config, const std::string& key, bool fallback = false);

/// The names of Llama and of those that were modelled on it.
DecoderNames llama_names();

}  // namespace rlhf
