// GPT-2.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

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
  DecoderConfig decoder{.shape = read_gpt_shape(config, {.tied = true, .gated = false, .max_positions = 1024}),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_epsilon", 1e-5),
                        .activation = read_activation(config, "activation_function", "gelu_new"),
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
