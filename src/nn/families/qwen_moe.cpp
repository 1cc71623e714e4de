// The mixtures of experts of Qwen 2 and 3, and OLMoE, which has the same names.
#include <algorithm>
#include <vector>

#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderNames expert_names() {
  DecoderNames names = llama_names();
  names.router = "mlp.gate";
  names.experts = "mlp.experts.";
  names.expert_gate_up = {"gate_proj", "up_proj"};
  names.expert_down = "down_proj";
  return names;
}

/// The layers that have no experts: `mlp_only_layers`, and those between every `decoder_sparse_step` layers.
void choose_dense_layers(const JsonReader& config, DecoderConfig& decoder) {
  const std::int64_t step = positive_integer_or(config, "decoder_sparse_step", 1);
  std::vector<std::int64_t> dense;
  if (const auto list = config.find("mlp_only_layers")) {
    if (!list->is_list()) list->fail("a list of layers");
    list->for_each_item(
        [&](const JsonReader& layer) { dense.push_back(layer.integer(0, decoder.shape.num_layers - 1)); });
  }
  for (std::int64_t i = 0; i < decoder.shape.num_layers; ++i) {
    const bool is_dense = (i + 1) % step != 0 || std::find(dense.begin(), dense.end(), i) != dense.end();
    decoder.layers[static_cast<std::size_t>(i)].dense = is_dense;
  }
}

/// Common to all three. `defaults.width` is 0 if experts have the width `intermediate_size`.
DecoderConfig read_any_moe(const JsonReader& config, const ShapeDefaults& shape, const Experts& defaults) {
  DecoderConfig decoder{.shape = read_shape(config, shape), .names = expert_names()};
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.layers.resize(static_cast<std::size_t>(decoder.shape.num_layers));
  Experts experts{.count = positive_integer_or(config, experts_key(config), defaults.count),
                  .per_token = positive_integer_or(config, "num_experts_per_tok", defaults.per_token),
                  .width = decoder.shape.intermediate_size,
                  .normalized = config.boolean_or("norm_topk_prob", false),
                  .balance_coef = defaults.balance_coef};
  if (defaults.width > 0) experts.width = positive_integer_or(config, "moe_intermediate_size", defaults.width);
  if (defaults.shared_width > 0)
    experts.shared_width = positive_integer_or(config, "shared_expert_intermediate_size", defaults.shared_width);
  set_experts(config, decoder, experts);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

void name_norms_of_heads(DecoderConfig& decoder) {
  decoder.names.query_norm = "self_attn.q_norm";
  decoder.names.key_norm = "self_attn.k_norm";
}

DecoderConfig read_qwen2_moe(const JsonReader& config) {
  DecoderConfig decoder =
      read_any_moe(config, {.key_value_heads = 16, .max_positions = 32768},
                   {.count = 60, .per_token = 4, .width = 1408, .shared_width = 5632, .balance_coef = 0.001});
  decoder.names.shared_expert = "mlp.shared_expert.";
  decoder.names.shared_gate = "mlp.shared_expert_gate";
  decoder.qkv_bias = config.boolean_or("qkv_bias", true);
  const std::int64_t window = config.boolean_or("use_sliding_window", false) ? read_window(config, 4096) : 0;
  const std::int64_t last = positive_integer_or(config, "max_window_layers", 28);
  decoder.layers =
      read_layers(config, decoder.shape.num_layers, window, [&](std::int64_t i) { return i % 2 == 0 && i < last; });
  choose_dense_layers(config, decoder);
  return decoder;
}

DecoderConfig read_qwen3_moe(const JsonReader& config) {
  DecoderConfig decoder = read_any_moe(config, {.key_value_heads = 4, .max_positions = 32768},
                                       {.count = 128, .per_token = 8, .width = 768, .balance_coef = 0.001});
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  name_norms_of_heads(decoder);
  const std::int64_t window = config.boolean_or("use_sliding_window", false) ? read_window(config, 4096) : 0;
  for (LayerKind& layer : decoder.layers) layer.window = window;
  choose_dense_layers(config, decoder);
  return decoder;
}

DecoderConfig read_olmoe(const JsonReader& config) {
  if (config.has("clip_qkv")) config.at("clip_qkv").fail("null");
  DecoderConfig decoder =
      read_any_moe(config, {.max_positions = 4096}, {.count = 64, .per_token = 8, .balance_coef = 0.01});
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-5);
  decoder.norms_whole_rows = true;
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  name_norms_of_heads(decoder);
  return decoder;
}

}  // namespace

Family qwen2_moe_family() {
  return {.model_type = "qwen2_moe",
          .trunk_architecture = "Qwen2MoeModel",
          .causal_architecture = "Qwen2MoeForCausalLM",
          .scalar_architecture = "Qwen2MoeForSequenceClassification",
          .read_config = read_qwen2_moe};
}

Family qwen3_moe_family() {
  return {.model_type = "qwen3_moe",
          .trunk_architecture = "Qwen3MoeModel",
          .causal_architecture = "Qwen3MoeForCausalLM",
          .scalar_architecture = "Qwen3MoeForSequenceClassification",
          .read_config = read_qwen3_moe};
}

Family olmoe_family() {
  return {.model_type = "olmoe",
          .trunk_architecture = "OlmoeModel",
          .causal_architecture = "OlmoeForCausalLM",
          .scalar_architecture = "OlmoeForSequenceClassification",
          .read_config = read_olmoe};
}

}  // namespace rlhf
