// GPT-2.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

ModelShape read_gpt2_shape(const JsonReader& config) {
  ModelShape shape;
  shape.vocab_size = positive_integer(config.at("vocab_size"));
  shape.hidden_size = positive_integer(config.at("n_embd"));
  shape.intermediate_size = positive_integer_or(config, "n_inner", 4 * shape.hidden_size);
  shape.num_layers = positive_integer(config.at("n_layer"));
  shape.num_heads = shape.num_key_value_heads = positive_integer(config.at("n_head"));
  shape.max_positions = positive_integer_or(config, "n_positions", 1024);
  shape.tied_head = config.boolean_or("tie_word_embeddings", true);
  complete_heads(config, shape, std::nullopt);
  return shape;
}

DecoderNames gpt2_names() {
  return {.base = "transformer.",
          .embedding = "transformer.wte",
          .positions = "transformer.wpe",
          .final_norm = "transformer.ln_f",
          .head = "lm_head",
          .layers = "transformer.h.",
          .attention_norm = "ln_1",
          .query_key_value = {"attn.c_attn"},
          .output = "attn.c_proj",
          .mlp_norm = "ln_2",
          .gate_up = {"mlp.c_fc"},
          .down = "mlp.c_proj"};
}

DecoderConfig read_gpt2(const JsonReader& config) {
  refuse_flag(config, "scale_attn_by_inverse_layer_idx");
  refuse_flag(config, "add_cross_attention");
  DecoderConfig decoder{.shape = read_gpt2_shape(config),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_epsilon", 1e-5),
                        .activation = read_activation(config, "activation_function", "gelu_new"),
                        .gated = false,
                        .qkv_bias = true,
                        .output_bias = true,
                        .mlp_bias = true,
                        .transposed_weights = true,
                        .names = gpt2_names()};
  if (!config.boolean_or("scale_attn_weights", true)) decoder.attention_scale = 1;
  return decoder;
}

}  // namespace

Family gpt2_family() {
  return {.model_type = "gpt2",
          .trunk_architecture = "GPT2Model",
          .causal_architecture = "GPT2LMHeadModel",
          .scalar_architecture = "GPT2ForSequenceClassification",
          .read_config = read_gpt2};
}

}  // namespace rlhf
