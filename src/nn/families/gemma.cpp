// Gemma 1 to 3.
#include <cmath>

#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

/// Common to all three generations: norms with 1 + weight, scaled embeddings, a gated gelu.
DecoderConfig read_any_gemma(const JsonReader& config, std::int64_t max_positions) {
  refuse_flag(config, "use_bidirectional_attention");
  DecoderConfig decoder{.shape = read_shape(config, {.tied = true, .head_dim = 256, .max_positions = max_positions}),
                        .norm = NormKind::rms_plus_one,
                        .norm_eps = config.positive_number_or("rms_norm_eps", 1e-6),
                        .names = llama_names()};
  decoder.embedding_scale = std::sqrt(static_cast<double>(decoder.shape.hidden_size));
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  return decoder;
}

/// Common to generations 2 and 3: another norm after each sublayer, their own scale and caps, windows.
DecoderConfig read_later_gemma(const JsonReader& config, std::int64_t max_positions, double attention_cap,
                               double logit_cap, std::int64_t full_every) {
  DecoderConfig decoder = read_any_gemma(config, max_positions);
  decoder.names.attention_post_norm = "post_attention_layernorm";
  decoder.names.mlp_norm = "pre_feedforward_layernorm";
  decoder.names.mlp_post_norm = "post_feedforward_layernorm";
  decoder.activation = read_activation(config, "hidden_activation", "gelu_pytorch_tanh");
  decoder.attention_scale = 1 / std::sqrt(config.positive_number_or("query_pre_attn_scalar", 256));
  const auto cap = [&](const char* key, double fallback) {
    return config.object().contains(key) && !config.has(key) ? 0 : config.positive_number_or(key, fallback);
  };
  decoder.attention_cap = cap("attn_logit_softcapping", attention_cap);
  decoder.logit_cap = cap("final_logit_softcapping", logit_cap);
  decoder.layers = read_layers(config, decoder.shape.num_layers, read_window(config, 4096),
                               [&](std::int64_t i) { return (i + 1) % full_every != 0; });
  return decoder;
}

DecoderConfig read_gemma(const JsonReader& config) {
  DecoderConfig decoder = read_any_gemma(config, 8192);
  // The first releases have `gelu` but mean its approximation; `transformers` reads them in the same way.
  const bool legacy = config.string_or("hidden_act", "") == "gelu";
  decoder.activation = legacy ? Activation::gelu_tanh : read_activation(config, "hidden_act", "gelu_pytorch_tanh");
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

DecoderConfig read_gemma2(const JsonReader& config) {
  DecoderConfig decoder = read_later_gemma(config, 8192, 50.0, 30.0, 2);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

/// Two rotary embeddings: for layers without and with a window. Version 5 of `transformers` has a section for each.
std::vector<Rotary> read_gemma3_rotaries(const JsonReader& config, const ModelShape& shape) {
  constexpr double kGlobalTheta = 1e6, kLocalTheta = 1e4;
  const bool sections = config.has("rope_parameters") && config.at("rope_parameters").has("full_attention");
  if (sections) {
    const JsonReader rope = config.at("rope_parameters");
    return {read_rotary_section(rope.at("full_attention"), shape, {.theta = kGlobalTheta}),
            read_rotary_section(rope.at("sliding_attention"), shape, {.theta = kLocalTheta})};
  }
  return {read_rotary(config, shape, {.theta = kGlobalTheta}),
          {.theta = config.positive_number_or("rope_local_base_freq", kLocalTheta), .width = shape.head_dim}};
}

DecoderConfig read_gemma3(const JsonReader& config) {
  DecoderConfig decoder =
      read_later_gemma(config, 131072, 0, 0, positive_integer_or(config, "sliding_window_pattern", 6));
  decoder.names.query_norm = "self_attn.q_norm";
  decoder.names.key_norm = "self_attn.k_norm";
  set_rotaries(decoder, read_gemma3_rotaries(config, decoder.shape));
  for (LayerKind& layer : decoder.layers) layer.rotary = layer.window > 0 ? 1 : 0;
  return decoder;
}

}  // namespace

Family gemma_family() {
  return {.model_type = "gemma",
          .trunk_architecture = "GemmaModel",
          .causal_architecture = "GemmaForCausalLM",
          .scalar_architecture = "GemmaForSequenceClassification",
          .read_config = read_gemma};
}

Family gemma2_family() {
  return {.model_type = "gemma2",
          .trunk_architecture = "Gemma2Model",
          .causal_architecture = "Gemma2ForCausalLM",
          .scalar_architecture = "Gemma2ForSequenceClassification",
          .read_config = read_gemma2};
}

Family gemma3_family() {
  return {.model_type = "gemma3_text",
          .trunk_architecture = "Gemma3TextModel",
          .causal_architecture = "Gemma3ForCausalLM",
          .scalar_architecture = "Gemma3TextForSequenceClassification",
          .read_config = read_gemma3};
}

}  // namespace rlhf
