// Falcon: the architecture of 7B, and the new one of 40B, 180B and Falcon 2.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

ModelShape read_falcon_shape(const JsonReader& config) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = positive_integer(config.at("hidden_size"));
  shape.intermediate_size = positive_integer_or(config, "ffn_hidden_size", 4 * shape.hidden_size);
  shape.num_layers = positive_integer(config.at("num_hidden_layers"));
  shape.num_heads = positive_integer(config.at("num_attention_heads"));
  shape.max_positions = positive_integer_or(config, "max_position_embeddings", 2048);
  shape.tied_head = config.boolean_or("tie_word_embeddings", true);
  shape.gated = false;
  if (config.boolean_or("new_decoder_architecture", false)) {
    shape.num_key_value_heads = positive_integer_or(config, "num_kv_heads", shape.num_heads);
  } else {
    shape.num_key_value_heads = config.boolean_or("multi_query", true) ? 1 : shape.num_heads;
  }
  complete_heads(config, shape, std::nullopt);
  return shape;
}

DecoderNames falcon_names() {
  return {.base = "transformer.",
          .embedding = "transformer.word_embeddings",
          .final_norm = "transformer.ln_f",
          .head = "lm_head",
          .layers = "transformer.h.",
          .attention_norm = "input_layernorm",
          .query_key_value = {"self_attention.query_key_value"},
          .output = "self_attention.dense",
          .gate_up = {"mlp.dense_h_to_4h"},
          .down = "mlp.dense_4h_to_h"};
}

/// The norms of a layer: one, or one for each sublayer, which the new architecture calls by other names.
void name_norms(const JsonReader& config, DecoderConfig& decoder) {
  const bool is_new = config.boolean_or("new_decoder_architecture", false);
  decoder.parallel_residual = config.boolean_or("parallel_attn", true);
  if (!decoder.parallel_residual) {
    if (is_new) config.at("parallel_attn").fail("true (new_decoder_architecture)", "false");
    decoder.names.mlp_norm = "post_attention_layernorm";
    return;
  }
  const std::int64_t norms = positive_integer_or(config, "num_ln_in_parallel_attn", is_new ? 2 : 1);
  if (norms > (is_new ? 2 : 1))
    config.at("num_ln_in_parallel_attn").fail(is_new ? "1 or 2" : "1 (without new_decoder_architecture)");
  if (norms == 2) {
    decoder.names.attention_norm = "ln_attn";
    decoder.names.mlp_norm = "ln_mlp";
  }
}

DecoderConfig read_falcon(const JsonReader& config) {
  refuse_flag(config, "alibi");
  DecoderConfig decoder{.shape = read_falcon_shape(config),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_epsilon", 1e-5),
                        .activation = read_activation(config, "activation", "gelu"),
                        .interleaved_heads = true,
                        .names = falcon_names()};
  name_norms(config, decoder);
  decoder.qkv_bias = decoder.output_bias = decoder.mlp_bias = config.boolean_or("bias", false);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

}  // namespace

Family falcon_family() {
  return {.model_type = "falcon",
          .trunk_architecture = "FalconModel",
          .causal_architecture = "FalconForCausalLM",
          .scalar_architecture = "FalconForSequenceClassification",
          .read_config = read_falcon};
}

}  // namespace rlhf
