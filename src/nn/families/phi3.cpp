// Phi-3.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_phi3(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config, {.max_positions = 4096}), .names = llama_names()};
  decoder.names.query_key_value = {"self_attn.qkv_proj"};
  decoder.names.gate_up = {"mlp.gate_up_proj"};
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.layers.assign(static_cast<std::size_t>(decoder.shape.num_layers), {.window = read_window(config, 0)});
  // Its key is outside of the section. Old files say "yarn" or "su".
  set_rotaries(decoder, {read_rotary(config, decoder.shape, {.original_positions = 4096, .yarn_is_longrope = true})});
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-5);
  return decoder;
}

}  // namespace

Family phi3_family() {
  return {.model_type = "phi3",
          .trunk_architecture = "Phi3Model",
          .causal_architecture = "Phi3ForCausalLM",
          .scalar_architecture = "Phi3ForSequenceClassification",
          .read_config = read_phi3};
}

}  // namespace rlhf
