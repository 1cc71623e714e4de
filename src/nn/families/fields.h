#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/config_reader.h"
#include "nn/decoder_config.h"

/// Readers for keys of config.json that several families share. Each throws ModelError with the key.
namespace rlhf {

/// Reads the sizes under their common names. The arguments are the family's defaults for absent keys: `tied` for
/// `tie_word_embeddings`, and those for `head_dim` (0: hidden_size / num_attention_heads), `num_key_value_heads` (0: as
/// many as of queries) and `max_position_embeddings`.
struct ShapeDefaults {
  bool tied = false;
  bool gated = true;
  std::int64_t head_dim = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t max_positions = 2048;
};
ModelShape read_shape(const JsonReader& config, const ShapeDefaults& defaults = {});
/// The same under the names of GPT-2.
ModelShape read_gpt_shape(const JsonReader& config, const ShapeDefaults& defaults);
/// Fills sizes that follow from others, and checks that they are divisible by the numbers of heads.
void complete_heads(const JsonReader& config, ModelShape& shape, std::optional<std::int64_t> head_dim);

/// Reads an activation by its name in `transformers`. Refuses unsupported ones.
Activation read_activation(const JsonReader& config, const std::string& key, const std::string& fallback);

/// Reads the rotary embedding of all layers: from `rope_parameters` (version 5 of `transformers`), or from `rope_theta`
/// (in some families `theta_key`, `share_key`) and `rope_scaling` of older versions. Refuses unsupported scalings.
struct RotaryDefaults {
  double theta = 10000.0, share = 1.0;
  std::string theta_key = "rope_theta", share_key = "partial_rotary_factor";
  /// `original_max_position_embeddings` of config.json, which goes before that of the section.
  std::optional<double> original_positions;
  bool yarn_is_longrope = false;  ///< old files of Phi-3
};
Rotary read_rotary(const JsonReader& config, const ModelShape& shape, const RotaryDefaults& defaults = {});
/// Reads a section with all settings: the format of version 5 for one type of layer.
Rotary read_rotary_section(const JsonReader& rope, const ModelShape& shape, const RotaryDefaults& defaults);
/// Gives the decoder its rotary embeddings, and no more positions than the scaling allows.
void set_rotaries(DecoderConfig& decoder, std::vector<Rotary> rotaries);

/// Which layers have a window: from `layer_types`, or from `slides` if that is absent.
std::vector<LayerKind> read_layers(const JsonReader& config, std::int64_t count, std::int64_t window,
                                   const std::function<bool(std::int64_t)>& slides);
/// Reads `sliding_window`: 0 if it is null, `fallback` if it is absent.
std::int64_t read_window(const JsonReader& config, std::int64_t fallback);

/// The key of the number of experts.
const char* experts_key(const JsonReader& config);
/// Gives the decoder its experts; dense_width is the `intermediate_size` that was read. The sizes of the model then
/// count all experts. `experts.balance_coef` is the default of `router_aux_loss_coef`.
void set_experts(const JsonReader& config, DecoderConfig& decoder, Experts experts);

/// Refuses a flag that enables an unsupported feature.
void refuse_flag(const JsonReader& config, const std::string& key, bool fallback = false);

/// The tensor names of Llama, which many families share.
DecoderNames llama_names();

}  // namespace rlhf
