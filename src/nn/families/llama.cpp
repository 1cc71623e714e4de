#include "nn/families/llama.h"

#include <string>

namespace rlhf {
namespace {

DecoderNames llama_names() {
  return {.embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm.weight",
          .head = "lm_head.weight",
          .layers = "model.layers.",
          .attention_norm = "input_layernorm.weight",
          .query = "self_attn.q_proj.weight",
          .key = "self_attn.k_proj.weight",
          .value = "self_attn.v_proj.weight",
          .output = "self_attn.o_proj.weight",
          .mlp_norm = "post_attention_layernorm.weight",
          .gate = "mlp.gate_proj.weight",
          .up = "mlp.up_proj.weight",
          .down = "mlp.down_proj.weight"};
}

/// Positions that are stretched (linear, dynamic, yarn, llama3, …) are another arithmetic.
void refuse_rope_scaling(const ConfigFields& rope) {
  // Older files say `type`, newer ones `rope_type`.
  const std::string kind = rope.text("rope_type", rope.text("type", "default"));
  if (kind != "default") rope.refuse("rope_type", "\"default\"", '"' + kind + '"');
  const double share = rope.positive_number("partial_rotary_factor", 1.0);
  if (share != 1.0) rope.refuse("partial_rotary_factor", "1", std::to_string(share));
}

/// Version 5 of `transformers` keeps `rope_theta` in `rope_parameters`; before, it stood beside `rope_scaling`.
double read_rope_theta(const ConfigFields& config) {
  constexpr double kDefaultTheta = 10000.0;
  for (const char* const key : {"rope_scaling", "rope_parameters"}) {
    if (config.has(key)) refuse_rope_scaling(config.section(key));
  }
  const double theta = config.positive_number("rope_theta", kDefaultTheta);
  return config.has("rope_parameters") ? config.section("rope_parameters").positive_number("rope_theta", theta) : theta;
}

ModelShape read_shape(const ConfigFields& config) {
  ModelShape shape;
  shape.vocab_size = config.positive_integer("vocab_size");
  shape.hidden_size = config.positive_integer("hidden_size");
  shape.intermediate_size = config.positive_integer("intermediate_size");
  shape.num_layers = config.positive_integer("num_hidden_layers");
  shape.num_heads = config.positive_integer("num_attention_heads");
  shape.num_key_value_heads = config.positive_integer("num_key_value_heads", shape.num_heads);
  if (!config.has("head_dim") && shape.hidden_size % shape.num_heads != 0) {
    config.refuse("num_attention_heads", "a divisor of hidden_size " + std::to_string(shape.hidden_size),
                  std::to_string(shape.num_heads));
  }
  shape.head_dim = config.positive_integer("head_dim", shape.hidden_size / shape.num_heads);
  shape.max_positions = config.positive_integer("max_position_embeddings", 2048);
  shape.tied_head = config.flag("tie_word_embeddings", false);
  if (shape.num_heads % shape.num_key_value_heads != 0) {
    config.refuse("num_key_value_heads", "a divisor of num_attention_heads " + std::to_string(shape.num_heads),
                  std::to_string(shape.num_key_value_heads));
  }
  if (shape.head_dim % 2 != 0) config.refuse("head_dim", "an even number", std::to_string(shape.head_dim));
  return shape;
}

DecoderConfig read_llama(const ConfigFields& config) {
  const std::string activation = config.text("hidden_act", "silu");
  if (activation != "silu") config.refuse("hidden_act", "\"silu\"", '"' + activation + '"');
  for (const char* const bias : {"attention_bias", "mlp_bias"}) {
    if (config.flag(bias, false)) config.refuse(bias, "false", "true");
  }
  return {.shape = read_shape(config),
          .rope_theta = read_rope_theta(config),
          .norm_eps = config.positive_number("rms_norm_eps", 1e-6),
          .initializer_range = config.positive_number("initializer_range", 0.02),
          .names = llama_names()};
}

}  // namespace

Family llama_family() {
  return {.model_type = "llama",
          .causal_architecture = "LlamaForCausalLM",
          .scalar_architecture = "LlamaForSequenceClassification",
          .read_config = read_llama};
}

nlohmann::ordered_json make_llama_config(const ModelInit& init, std::int64_t vocab_size,
                                         std::optional<std::int32_t> bos_id, std::optional<std::int32_t> eos_id) {
  const auto id_or_null = [](std::optional<std::int32_t> id) {
    return id ? nlohmann::ordered_json(*id) : nlohmann::ordered_json(nullptr);
  };
  return {{"architectures", {llama_family().causal_architecture}},
          {"model_type", llama_family().model_type},
          {"vocab_size", vocab_size},
          {"hidden_size", init.hidden_size},
          {"intermediate_size", init.intermediate_size},
          {"num_hidden_layers", init.num_hidden_layers},
          {"num_attention_heads", init.num_attention_heads},
          {"num_key_value_heads", init.num_key_value_heads},
          {"max_position_embeddings", init.max_position_embeddings},
          {"hidden_act", "silu"},
          {"rms_norm_eps", init.rms_norm_eps},
          {"rope_theta", init.rope_theta},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"initializer_range", init.initializer_range},
          {"tie_word_embeddings", init.tie_word_embeddings},
          {"bos_token_id", id_or_null(bos_id)},
          {"eos_token_id", id_or_null(eos_id)},
          {"torch_dtype", "float32"}};
}

}  // namespace rlhf
