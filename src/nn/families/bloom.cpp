// BLOOM.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

/// The size under its older name, if that is there.
std::int64_t read_renamed(const JsonReader& config, const char* older, const char* newer) {
  return positive_integer(config.at(config.has(older) ? older : newer));
}

ModelShape read_bloom_shape(const JsonReader& config) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = read_renamed(config, "n_embed", "hidden_size");
  shape.intermediate_size = 4 * shape.hidden_size;
  shape.num_layers = read_renamed(config, "num_hidden_layers", "n_layer");
  shape.num_heads = shape.num_key_value_heads = read_renamed(config, "num_attention_heads", "n_head");
  shape.max_positions = positive_integer_or(config, "seq_length", 2048);
  shape.tied_head = config.boolean_or("tie_word_embeddings", true);
  shape.gated = false;
  complete_heads(config, shape, std::nullopt);
  return shape;
}

DecoderNames bloom_names() {
  return {.base = "transformer.",
          .embedding = "transformer.word_embeddings",
          .embedding_norm = "transformer.word_embeddings_layernorm",
          .final_norm = "transformer.ln_f",
          .head = "lm_head",
          .layers = "transformer.h.",
          .attention_norm = "input_layernorm",
          .query_key_value = {"self_attention.query_key_value"},
          .output = "self_attention.dense",
          .mlp_norm = "post_attention_layernorm",
          .gate_up = {"mlp.dense_h_to_4h"},
          .down = "mlp.dense_4h_to_h"};
}

DecoderConfig read_bloom(const JsonReader& config) {
  refuse_flag(config, "apply_residual_connection_post_layernorm");
  return {.shape = read_bloom_shape(config),
          .norm = NormKind::layer,
          .norm_eps = config.positive_number_or("layer_norm_epsilon", 1e-5),
          .activation = Activation::gelu_tanh,
          .qkv_bias = true,
          .output_bias = true,
          .mlp_bias = true,
          .alibi = true,
          .interleaved_heads = true,
          .names = bloom_names()};
}

}  // namespace

Family bloom_family() {
  return {.model_type = "bloom",
          .trunk_architecture = "BloomModel",
          .causal_architecture = "BloomForCausalLM",
          .scalar_architecture = "BloomForSequenceClassification",
          .read_config = read_bloom};
}

}  // namespace rlhf
