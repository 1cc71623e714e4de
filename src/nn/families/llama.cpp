// Llama.
#include "nn/families/llama.h"

#include "nn/families/families.h"
#include "nn/families/fields.h"

namespace rlhf {
namespace {

DecoderConfig read_llama(const JsonReader& config) {
  DecoderConfig decoder{.shape = read_shape(config), .names = llama_names()};
  decoder.norm_eps = config.positive_number_or("rms_norm_eps", 1e-6);
  decoder.activation = read_activation(config, "hidden_act", "silu");
  decoder.qkv_bias = decoder.output_bias = config.boolean_or("attention_bias", false);
  decoder.mlp_bias = config.boolean_or("mlp_bias", false);
  set_rotaries(decoder, {read_rotary(config, decoder.shape)});
  return decoder;
}

}  // namespace

Family llama_family() {
  return {.model_type = "llama",
          .trunk_architecture = "LlamaModel",
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
