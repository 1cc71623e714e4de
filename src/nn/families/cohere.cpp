// Command R.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_cohere(const JsonReader& config) {
  refuse_flag(config, "use_qk_norm");
  DecoderConfig decoder{.shape = read_shape(config, {.tied = true, .max_positions = 8192}),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_eps", 1e-5),
                        .norm_bias = false,
                        .parallel_residual = true,
                        .activation = read_activation(config, "hidden_act", "silu"),
                        .logit_scale = config.positive_number_or("logit_scale", 0.0625),
                        .names = llama_names()};
  decoder.names.mlp_norm = "";
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  Rotary rotary = read_rotary(config, decoder.shape, {.theta = 5e5});
  rotary.interleaved = true;
  set_rotaries(decoder, {rotary});
  return decoder;
}

}  // namespace

Family cohere_family() {
  return {.model_type = "cohere",
          .trunk_architecture = "CohereModel",
          .causal_architecture = "CohereForCausalLM",
          .scalar_architecture = "CohereForSequenceClassification",
          .read_config = read_cohere};
}

}  // namespace rlhf
