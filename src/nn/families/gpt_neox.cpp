// GPT-NeoX (Pythia).
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderNames gpt_neox_names() {
  return {.base = "gpt_neox.",
          .embedding = "gpt_neox.embed_in",
          .final_norm = "gpt_neox.final_layer_norm",
          .head = "embed_out",
          .layers = "gpt_neox.layers.",
          .attention_norm = "input_layernorm",
          .query_key_value = {"attention.query_key_value"},
          .output = "attention.dense",
          .mlp_norm = "post_attention_layernorm",
          .gate_up = {"mlp.dense_h_to_4h"},
          .down = "mlp.dense_4h_to_h"};
}

DecoderConfig read_gpt_neox(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config, {.gated = false}),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_eps", 1e-5),
                        .parallel_residual = config.boolean_or("use_parallel_residual", true),
                        .activation = read_activation(config, "hidden_act", "gelu"),
                        .mlp_bias = true,
                        .interleaved_heads = true,
                        .names = gpt_neox_names()};
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", true);
  set_rotaries(decoder, {read_rotary(config, decoder.shape,
                                     {.share = 0.25, .theta_key = "rotary_emb_base", .share_key = "rotary_pct"})});
  return decoder;
}

}  // namespace

Family gpt_neox_family() {
  return {.model_type = "gpt_neox",
          .trunk_architecture = "GPTNeoXModel",
          .causal_architecture = "GPTNeoXForCausalLM",
          .scalar_architecture = "GPTNeoXForSequenceClassification",
          .read_config = read_gpt_neox};
}

}  // namespace rlhf
