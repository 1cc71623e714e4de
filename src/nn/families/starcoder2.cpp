// StarCoder 2.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_starcoder2(const JsonReader& config) {
  DecoderConfig decoder{
      .shape = read_shape(config, {.tied = true, .gated = false, .key_value_heads = 2, .max_positions = 4096}),
      .norm = NormKind::layer,
      .norm_eps = config.positive_number_or("norm_epsilon", 1e-5),
      .activation = read_activation(config, "hidden_act", "gelu_pytorch_tanh"),
      .names = llama_names()};
  decoder.names.gate_up = {"mlp.c_fc"};
  decoder.names.down = "mlp.c_proj";
  decoder.qkv_bias = decoder.output_bias = decoder.mlp_bias = config.boolean_or("use_bias", true);
  decoder.layers.assign(static_cast<std::size_t>(decoder.shape.num_layers), {.window = read_window(config, 0)});
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

}  // namespace

Family starcoder2_family() {
  return {.model_type = "starcoder2",
          .trunk_architecture = "Starcoder2Model",
          .causal_architecture = "Starcoder2ForCausalLM",
          .scalar_architecture = "Starcoder2ForSequenceClassification",
          .read_config = read_starcoder2};
}

}  // namespace rlhf
