// SmolLM 3.
#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

/// Which layers rotate: from the list `no_rope_layers`, whose entry is 0 for a layer without positions.
std::vector<bool> read_rotated_layers(const JsonReader& config, std::int64_t count) {
  std::vector<bool> rotated;
  if (!config.has("no_rope_layers")) {
    const std::int64_t every = positive_integer_or(config, "no_rope_layer_interval", 4);
    for (std::int64_t i = 0; i < count; ++i) rotated.push_back((i + 1) % every != 0);
    return rotated;
  }
  const JsonReader list = config.at("no_rope_layers");
  if (!list.is_list() || static_cast<std::int64_t>(list.list().size()) < count)
    list.fail("a list of at least " + std::to_string(count) + " numbers");
  for (std::int64_t i = 0; i < count; ++i) rotated.push_back(list.item(static_cast<std::size_t>(i)).integer(0, 1) == 1);
  return rotated;
}

DecoderConfig read_smollm3(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config, {.tied = true, .key_value_heads = 4, .max_positions = 32768}),
                        .names = llama_names()};
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  decoder.mlp_bias = config.boolean_or("mlp_bias", false);
  const std::vector<bool> rotated = read_rotated_layers(config, decoder.shape.num_layers);
  const std::int64_t window = config.boolean_or("use_sliding_window", false) ? read_window(config, 0) : 0;
  decoder.layers = read_layers(config, decoder.shape.num_layers, window,
                               [&](std::int64_t i) { return !rotated[static_cast<std::size_t>(i)]; });
  for (std::size_t i = 0; i < rotated.size(); ++i)
    if (!rotated[i]) decoder.layers[i].rotary = LayerKind::kNotRotated;
  set_rotaries(decoder, {read_rotary(config, decoder.shape, {.theta = 2e6})});
  return decoder;
}

}  // namespace

Family smollm3_family() {
  return {.model_type = "smollm3",
          .trunk_architecture = "SmolLM3Model",
          .causal_architecture = "SmolLM3ForCausalLM",
          .scalar_architecture = "SmolLM3ForSequenceClassification",
          .read_config = read_smollm3};
}

}  // namespace rlhf
