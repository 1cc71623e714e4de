// GPT-J.

#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderNames gptj_names() {
  return {.base = "transformer.",
          .embedding = "transformer.wte",
          .final_norm = "transformer.ln_f",
          .head = "lm_head",
          .layers = "transformer.h.",
          .head_bias = "lm_head.bias",
          .attention_norm = "ln_1",
          .query_key_value = {"attn.q_proj", "attn.k_proj", "attn.v_proj"},
          .output = "attn.out_proj",
          .gate_up = {"mlp.fc_in"},
          .down = "mlp.fc_out"};
}

Rotary read_gptj_rotary(const JsonReader& config, const ModelShape& shape) {
  Rotary rotary{.width = 64, .interleaved = true};
  if (config.object().contains("rotary_dim")) rotary.width = positive_integer(config.at("rotary_dim"));
  if (rotary.width % 2 != 0 || rotary.width > shape.head_dim) {
    config.at("rotary_dim")
        .fail("an even number of at most " + std::to_string(shape.head_dim) + ", the columns of a head",
              std::to_string(rotary.width));
  }
  return rotary;
}

DecoderConfig read_gptj(const JsonReader& config) {
  refuse_flag(config, "tie_word_embeddings");  // its head has a bias
  DecoderConfig decoder{.shape = read_gpt_shape(config, {.tied = false, .gated = false, .max_positions = 2048}),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_epsilon", 1e-5),
                        .parallel_residual = true,
                        .activation = read_activation(config, "activation_function", "gelu_new"),
                        .mlp_bias = true,
                        .names = gptj_names()};
  set_rotaries(decoder, {read_gptj_rotary(config, decoder.shape)});
  return decoder;
}

}  // namespace

Family gptj_family() {
  return {.model_type = "gptj",
          .trunk_architecture = "GPTJModel",
          .causal_architecture = "GPTJForCausalLM",
          .scalar_architecture = "GPTJForSequenceClassification",
          .read_config = read_gptj};
}

}  // namespace rlhf
