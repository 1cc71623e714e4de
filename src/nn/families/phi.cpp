// Phi 1, 1.5 and 2.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderNames phi_names(bool head_norms) {
  DecoderNames names = llama_names();
  names.head_bias = "lm_head.bias";
  names.final_norm = "model.final_layernorm";
  names.output = "self_attn.dense";
  names.mlp_norm = "";
  names.gate_up = {"mlp.fc1"};
  names.down = "mlp.fc2";
  if (head_norms) {
    names.query_norm = "self_attn.q_layernorm";
    names.key_norm = "self_attn.k_layernorm";
  }
  return names;
}

DecoderConfig read_phi(const JsonReader& config) {
  refuse_flag(config, "tie_word_embeddings");  // its head has a bias
  DecoderConfig decoder{.shape = read_shape(config, {.gated = false}),
                        .norm = NormKind::layer,
                        .norm_eps = config.positive_number_or("layer_norm_eps", 1e-5),
                        .parallel_residual = true,
                        .activation = read_activation(config, "hidden_act", "gelu_new"),
                        .qkv_bias = true,
                        .output_bias = true,
                        .mlp_bias = true,
                        .names = phi_names(config.boolean_or("qk_layernorm", false))};
  set_rotaries(decoder, {read_rotary(config, decoder.shape, {.share = 0.5})});
  return decoder;
}

}  // namespace

Family phi_family() {
  return {.model_type = "phi",
          .trunk_architecture = "PhiModel",
          .causal_architecture = "PhiForCausalLM",
          .scalar_architecture = "PhiForSequenceClassification",
          .read_config = read_phi};
}

}  // namespace rlhf
