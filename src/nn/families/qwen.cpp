// Qwen 2 and 3.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

/// Common to both generations: windows only if they are enabled, and only from a certain layer on.
DecoderConfig read_qwen(const JsonReader& config, const ShapeDefaults& defaults) {
  DecoderConfig decoder{.shape = read_shape(config, defaults), .names = llama_names()};
  const std::int64_t window = config.boolean_or("use_sliding_window", false) ? read_window(config, 4096) : 0;
  const std::int64_t first = window > 0 ? positive_integer_or(config, "max_window_layers", 28) : 0;
  decoder.layers = read_layers(config, decoder.shape.num_layers, window, [&](std::int64_t i) { return i >= first; });
  decoder.activation = read_activation(config, "hidden_act", "silu");
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  return decoder;
}

DecoderConfig read_qwen2(const JsonReader& config) {
  DecoderConfig decoder = read_qwen(config, {.max_positions = 32768});
  decoder.qkv_bias = true;
  return decoder;
}

DecoderConfig read_qwen3(const JsonReader& config) {
  DecoderConfig decoder = read_qwen(config, {.head_dim = 128, .max_positions = 32768});
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  decoder.names.query_norm = "self_attn.q_norm";
  decoder.names.key_norm = "self_attn.k_norm";
  return decoder;
}

}  // namespace

Family qwen2_family() {
  return {.model_type = "qwen2",
          .trunk_architecture = "Qwen2Model",
          .causal_architecture = "Qwen2ForCausalLM",
          .scalar_architecture = "Qwen2ForSequenceClassification",
          .read_config = read_qwen2};
}

Family qwen3_family() {
  return {.model_type = "qwen3",
          .trunk_architecture = "Qwen3Model",
          .causal_architecture = "Qwen3ForCausalLM",
          .scalar_architecture = "Qwen3ForSequenceClassification",
          .read_config = read_qwen3};
}

}  // namespace rlhf
