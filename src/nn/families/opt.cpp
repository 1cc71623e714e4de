// OPT.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

ModelShape read_opt_shape(const JsonReader& config) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = positive_integer(config.at("hidden_size"));
  shape.intermediate_size = positive_integer(config.at("ffn_dim"));
  shape.num_layers = positive_integer(config.at("num_hidden_layers"));
  shape.num_heads = shape.num_key_value_heads = positive_integer(config.at("num_attention_heads"));
  shape.max_positions = positive_integer_or(config, "max_position_embeddings", 2048);
  shape.tied_head = config.boolean_or("tie_word_embeddings", true);
  shape.gated = false;
  complete_heads(config, shape, std::nullopt);
  return shape;
}

DecoderNames opt_names() {
  return {.base = "model.",
          .embedding = "model.decoder.embed_tokens",
          .positions = "model.decoder.embed_positions",
          .final_norm = "model.decoder.final_layer_norm",
          .head = "lm_head",
          .layers = "model.decoder.layers.",
          .attention_norm = "self_attn_layer_norm",
          .query_key_value = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
          .output = "self_attn.out_proj",
          .mlp_norm = "final_layer_norm",
          .gate_up = {"fc1"},
          .down = "fc2"};
}

DecoderConfig read_opt(const JsonReader& config) {
  constexpr std::int64_t kRowsBeforePositionZero = 2;
  for (const char* const key : {"do_layer_norm_before", "layer_norm_elementwise_affine"}) {
    if (!config.boolean_or(key, true)) config.at(key).fail("true", "false");
  }
  refuse_flag(config, "_remove_final_layer_norm");
  const ModelShape shape = read_opt_shape(config);
  const std::int64_t embedded = positive_integer_or(config, "word_embed_proj_dim", shape.hidden_size);
  if (embedded != shape.hidden_size) {
    config.at("word_embed_proj_dim").fail("hidden_size " + std::to_string(shape.hidden_size), std::to_string(embedded));
  }
  DecoderConfig decoder{.shape = shape,
                        .norm = NormKind::layer,
                        .norm_eps = 1e-5,
                        .activation = read_activation(config, "activation_function", "relu"),
                        .position_offset = kRowsBeforePositionZero,
                        .names = opt_names()};
  decoder.qkv_bias = decoder.output_bias = decoder.mlp_bias = config.boolean_or("enable_bias", true);
  return decoder;
}

}  // namespace

Family opt_family() {
  return {.model_type = "opt",
          .trunk_architecture = "OPTModel",
          .causal_architecture = "OPTForCausalLM",
          .scalar_architecture = "OPTForSequenceClassification",
          .read_config = read_opt};
}

}  // namespace rlhf
