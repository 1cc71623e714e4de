// Granite 3.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_granite(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config), .names = llama_names()};
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  decoder.mlp_bias = config.boolean_or("mlp_bias", false);
  decoder.embedding_scale = config.positive_number_or("embedding_multiplier", 1);
  decoder.attention_scale = config.positive_number_or("attention_multiplier", 1);
  decoder.residual_scale = config.positive_number_or("residual_multiplier", 1);
  decoder.logit_scale = 1 / config.positive_number_or("logits_scaling", 1);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

}  // namespace

Family granite_family() {
  return {.model_type = "granite",
          .trunk_architecture = "GraniteModel",
          .causal_architecture = "GraniteForCausalLM",
          .scalar_architecture = "GraniteForSequenceClassification",
          .read_config = read_granite};
}

}  // namespace rlhf
