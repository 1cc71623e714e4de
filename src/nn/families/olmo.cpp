// OLMo 2 and 3.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

/// Common to both generations: norms behind the sublayers instead of before them, norms over all queries and all keys.
DecoderConfig read_any_olmo(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config), .names = llama_names()};
  decoder.names.attention_norm = "";
  decoder.names.attention_post_norm = "post_attention_layernorm";
  decoder.names.mlp_norm = "";
  decoder.names.mlp_post_norm = "post_feedforward_layernorm";
  decoder.names.query_norm = "self_attn.q_norm";
  decoder.names.key_norm = "self_attn.k_norm";
  decoder.norms_whole_rows = true;
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-5);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  return decoder;
}

DecoderConfig read_olmo2(const JsonReader& config) {
  DecoderConfig decoder = read_any_olmo(config);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

/// Two rotary embeddings: for layers without and with a window. In older files only that without is scaled.
std::vector<Rotary> read_olmo3_rotaries(const JsonReader& config, const ModelShape& shape) {
  constexpr double kTheta = 5e5;
  if (config.has("rope_parameters")) {
    const JsonReader rope = config.at("rope_parameters");
    return {read_rotary_section(rope.at("full_attention"), shape, {.theta = kTheta}),
            read_rotary_section(rope.at("sliding_attention"), shape, {.theta = kTheta})};
  }
  // As transformers 5 reads older files: `rope_theta` is that of the full layers alone.
  return {read_rotary(config, shape, {.theta = kTheta}), {.theta = kTheta, .width = shape.head_dim}};
}

DecoderConfig read_olmo3(const JsonReader& config) {
  constexpr std::int64_t kFullEvery = 4;
  DecoderConfig decoder = read_any_olmo(config);
  decoder.layers = read_layers(config, decoder.shape.num_layers, read_window(config, 4096),
                               [](std::int64_t i) { return (i + 1) % kFullEvery != 0; });
  set_rotaries(decoder, read_olmo3_rotaries(config, decoder.shape));
  for (LayerKind& layer : decoder.layers) layer.rotary = layer.window > 0 ? 1 : 0;
  return decoder;
}

}  // namespace

Family olmo2_family() {
  return {.model_type = "olmo2",
          .trunk_architecture = "Olmo2Model",
          .causal_architecture = "Olmo2ForCausalLM",
          .scalar_architecture = "Olmo2ForSequenceClassification",
          .read_config = read_olmo2};
}

Family olmo3_family() {
  return {.model_type = "olmo3",
          .trunk_architecture = "Olmo3Model",
          .causal_architecture = "Olmo3ForCausalLM",
          .scalar_architecture = "Olmo3ForSequenceClassification",
          .read_config = read_olmo3};
}

}  // namespace rlhf
