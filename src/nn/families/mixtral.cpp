// Mixtral.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_mixtral(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config, {.key_value_heads = 8, .max_positions = 32 * 4096}),
                        .names = llama_names()};
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-5);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.layers.assign(static_cast<std::size_t>(decoder.shape.num_layers), {.window = read_window(config, 0)});
  decoder.names.router = "block_sparse_moe.gate";
  decoder.names.experts = "block_sparse_moe.experts.";
  decoder.names.expert_gate_up = {"w1", "w3"};
  decoder.names.expert_down = "w2";
  set_experts(config, decoder,
              {.count = positive_integer_or(config, "num_local_experts", 8),
               .per_token = positive_integer_or(config, "num_experts_per_tok", 2),
               .width = decoder.shape.intermediate_size,
               .normalized = true,
               .balance_coef = 0.001});
  set_rotaries(decoder, {read_rotary(config, decoder.shape, {.theta = 1e6})});
  return decoder;
}

}  // namespace

Family mixtral_family() {
  return {.model_type = "mixtral",
          .trunk_architecture = "MixtralModel",
          .causal_architecture = "MixtralForCausalLM",
          .scalar_architecture = "MixtralForSequenceClassification",
          .read_config = read_mixtral};
}

}  // namespace rlhf
