// Mistral.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_mistral(const JsonReader& config) {
  constexpr std::int64_t kWindow = 4096;  // the default of `transformers`
  DecoderConfig decoder{.shape = read_shape(config, {.max_positions = 32 * 4096}), .names = llama_names()};
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.layers.assign(static_cast<std::size_t>(decoder.shape.num_layers), {.window = read_window(config, kWindow)});
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  return decoder;
}

}  // namespace

Family mistral_family() {
  return {.model_type = "mistral",
          .trunk_architecture = "MistralModel",
          .causal_architecture = "MistralForCausalLM",
          .scalar_architecture = "MistralForSequenceClassification",
          .read_config = read_mistral};
}

}  // namespace rlhf
