// What a config.json that cannot be computed gets: one line with the key, what was expected and what was found.
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spoilt_folder.h"

namespace rlhf {
namespace {

using nlohmann::ordered_json;
using Folder = testing::SpoiltFolder;

const std::string kModelTypes =
    "llama, mistral, qwen2, qwen3, phi3, gemma, gemma2, gemma3_text, gpt2, gpt_neox, opt, olmo2, olmo3, smollm3, "
    "granite, "
    "starcoder2, phi, cohere, gptj, falcon, bloom, mixtral, qwen2_moe, qwen3_moe, olmoe";

struct BadValue {
  const char* golden;
  const char* key;
  const char* json;
  std::string expected;  ///< behind "DIR/config.json: "
};
const std::vector<BadValue> kBadValues = {
    // What kind of model it is.
    {"llama/untied", "model_type", "null", "model_type: expected one of: " + kModelTypes + ", found null"},
    {"llama/untied", "model_type", "\"mamba2\\n\"",
     "model_type: expected one of: " + kModelTypes + ", found \"mamba2\\n\""},
    {"llama/untied", "model_type", "\"bert\"",
     "model_type: expected one of: " + kModelTypes + ", found \"bert\", an encoder, which cannot continue a text"},
    {"llama/untied", "model_type", "[\"llama\"]", "model_type: expected a string, found [\"llama\"]"},
    {"llama/untied", "architectures", "\"LlamaForCausalLM\"",
     "architectures: expected LlamaForCausalLM or LlamaForSequenceClassification, found \"LlamaForCausalLM\""},
    {"llama/untied", "architectures", "[\"LlamaForCausalLM\", \"LlamaModel\"]",
     "architectures: expected LlamaForCausalLM or LlamaForSequenceClassification, found "
     "[\"LlamaForCausalLM\",\"LlamaModel\"]"},
    {"llama/untied", "architectures", "[\"MistralForCausalLM\"]",
     "architectures: expected LlamaForCausalLM or LlamaForSequenceClassification, found [\"MistralForCausalLM\"]"},
    {"llama/untied", "architectures", "[7]",
     "architectures: expected LlamaForCausalLM or LlamaForSequenceClassification, found [7]"},
    {"llama/untied", "quantization_config", "{\"quant_method\": \"gptq\"}",
     "quantization_config: expected none, found quantized weights (gptq); hint: use the model's folder in bfloat16, "
     "float16 or float32"},
    {"llama/untied", "quantization", "{\"bits\": 4}",
     "quantization: expected none, found quantized weights; hint: use the model's folder in bfloat16, float16 or "
     "float32"},
    {"llama/untied", "quantization_config", "{}",
     "quantization_config: expected none, found quantized weights; hint: use the model's folder in bfloat16, float16 "
     "or float32"},
    // Sizes.
    {"llama/untied", "hidden_size", "null", "hidden_size: expected a positive integer, found null"},
    {"llama/untied", "hidden_size", "0", "hidden_size: expected a positive integer, found 0"},
    {"llama/untied", "hidden_size", "-32", "hidden_size: expected a positive integer, found -32"},
    {"llama/untied", "hidden_size", "32.0", "hidden_size: expected a positive integer, found 32.0"},
    {"llama/untied", "hidden_size", "\"32\"", "hidden_size: expected a positive integer, found \"32\""},
    {"llama/untied", "hidden_size", "[32]", "hidden_size: expected a positive integer, found [32]"},
    {"llama/untied", "hidden_size", "true", "hidden_size: expected a positive integer, found true"},
    {"llama/untied", "hidden_size", "9223372036854775807",
     "hidden_size: expected at most 1000000000, found 9223372036854775807"},
    {"llama/untied", "hidden_size", "18446744073709551615",
     "hidden_size: expected a positive integer, found 18446744073709551615"},
    {"llama/untied", "hidden_size", "18446744073709551616",
     "hidden_size: expected a positive integer, found 1.8446744073709552e+19"},
    {"llama/untied", "hidden_size", "536870912", "hidden_size: expected at most 1048576, found 536870912"},
    {"llama/untied", "intermediate_size", "1048577", "intermediate_size: expected at most 1048576, found 1048577"},
    {"llama/untied", "num_hidden_layers", "-2", "num_hidden_layers: expected a positive integer, found -2"},
    {"llama/untied", "num_hidden_layers", "1000000000", "num_hidden_layers: expected at most 10000, found 1000000000"},
    {"families/mistral", "num_hidden_layers", "999999999",
     "num_hidden_layers: expected at most 10000, found 999999999"},
    {"families/gpt2", "n_layer", "999999999", "num_hidden_layers: expected at most 10000, found 999999999"},
    {"llama/untied", "vocab_size", "0", "vocab_size: expected a positive integer, found 0"},
    {"llama/untied", "max_position_embeddings", "-1", "max_position_embeddings: expected a positive integer, found -1"},
    {"families/opt", "max_position_embeddings", "9223372036854775807",
     "max_position_embeddings: expected at most 1000000000, found 9223372036854775807"},
    // Heads.
    {"llama/untied", "num_attention_heads", "0", "num_attention_heads: expected a positive integer, found 0"},
    {"families/gpt2", "n_head", "3", "num_attention_heads: expected a divisor of hidden_size 16, found 3"},
    {"families/opt", "num_attention_heads", "3", "num_attention_heads: expected a divisor of hidden_size 16, found 3"},
    {"llama/untied", "num_key_value_heads", "3",
     "num_key_value_heads: expected a divisor of num_attention_heads 4, found 3"},
    {"llama/untied", "num_key_value_heads", "8",
     "num_key_value_heads: expected a divisor of num_attention_heads 4, found 8"},
    {"llama/untied", "head_dim", "7", "head_dim: expected an even number, found 7"},
    {"llama/untied", "head_dim", "-8", "head_dim: expected a positive integer, found -8"},
    {"llama/untied", "head_dim", "1000000000",
     "expected num_attention_heads times head_dim of at most 1048576, found 4000000000"},
    // Rotary positions.
    {"llama/untied", "rope_theta", "0", "rope_theta: expected a positive number, found 0"},
    {"llama/untied", "rope_theta", "-1e4", "rope_theta: expected a positive number, found -10000.0"},
    {"llama/untied", "rope_theta", "\"1e4\"", "rope_theta: expected a positive number, found \"1e4\""},
    {"llama/untied", "rope_scaling", "8", "rope_scaling: expected an object, found 8"},
    {"llama/untied", "rope_scaling", "{\"type\": \"proportional\", \"factor\": 2.0}",
     "rope_scaling.type: expected default, linear, dynamic, llama3, yarn or longrope, found \"proportional\""},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"a\\nb\", \"factor\": 2.0}",
     "rope_scaling.rope_type: expected default, linear, dynamic, llama3, yarn or longrope, found \"a\\nb\""},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"dynamic\"}",
     "rope_scaling.factor: expected a positive number, found no such key; it has \"rope_type\""},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 0}",
     "rope_scaling.factor: expected a positive number, found 0"},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 2, \"rope_theta\": 1}",
     "rope_scaling.rope_theta: expected more than 1, found 1.000000"},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 2, \"beta_fast\": -1}",
     "rope_scaling.beta_fast: expected a positive number, found -1"},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 2, \"mscale\": \"1\"}",
     "rope_scaling.mscale: expected a number, found \"1\""},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"longrope\", \"short_factor\": [1, 1, 1]}",
     "rope_scaling.short_factor: expected a list of 4 numbers, found [1,1,1]"},
    {"llama/untied", "rope_scaling",
     "{\"rope_type\": \"longrope\", \"short_factor\": [1, 1, 1, 0], \"long_factor\": [1, 1, 1, 1]}",
     "rope_scaling.short_factor[3]: expected a positive number, found 0"},
    {"llama/untied", "rope_scaling",
     "{\"rope_type\": \"longrope\", \"short_factor\": [1, 1, 1, 1], \"long_factor\": 2}",
     "rope_scaling.long_factor: expected a list of 4 numbers, found 2"},
    {"llama/untied", "rope_scaling",
     "{\"rope_type\": \"longrope\", \"original_max_position_embeddings\": 1, \"short_factor\": [1, 1, 1, 1]}",
     "rope_scaling.original_max_position_embeddings: expected at least 2, found 1.000000"},
    {"llama/untied", "rope_scaling", "{\"rope_type\": 3}", "rope_scaling.rope_type: expected a string, found 3"},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"linear\"}",
     "rope_scaling.factor: expected a positive number, found no such key; it has \"rope_type\""},
    {"llama/untied", "rope_scaling", "{\"rope_type\": \"linear\", \"factor\": -2}",
     "rope_scaling.factor: expected a positive number, found -2"},
    {"llama/untied", "rope_scaling",
     "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 1}",
     "rope_scaling.high_freq_factor: expected more than low_freq_factor 4.000000, found 1.000000"},
    {"llama/untied", "rope_parameters", "[]", "rope_parameters: expected an object, found []"},
    {"llama/untied", "partial_rotary_factor", "1e30",
     "partial_rotary_factor: expected a share of the 8 columns of a head that is an even number, found "
     "1000000000000000019884624838656.000000"},
    {"llama/untied", "partial_rotary_factor", "0.01",
     "partial_rotary_factor: expected a share of the 8 columns of a head that is an even number, found 0.010000"},
    // Flags and names.
    {"llama/untied", "hidden_act", "\"relu6\"",
     "hidden_act: expected silu, gelu, gelu_new, gelu_pytorch_tanh or relu, found \"relu6\""},
    {"llama/untied", "hidden_act", "7", "hidden_act: expected a string, found 7"},
    {"llama/untied", "tie_word_embeddings", "1", "tie_word_embeddings: expected true or false, found 1"},
    {"llama/untied", "attention_bias", "\"false\"", "attention_bias: expected true or false, found \"false\""},
    {"llama/untied", "rms_norm_eps", "-1e-5", "rms_norm_eps: expected a positive number, found -1e-05"},
    {"llama/untied", "initializer_range", "0", "initializer_range: expected a positive number, found 0"},
    {"families/mistral", "sliding_window", "0", "sliding_window: expected a positive integer, found 0"},
    {"families/qwen3", "layer_types", "\"full_attention\"",
     "layer_types: expected a list of 2 types, found \"full_attention\""},
    {"families/gemma3", "layer_types", "[\"full_attention\", 1]",
     "layer_types[1]: expected one of full_attention, sliding_attention, found 1"},
    {"families/phi", "tie_word_embeddings", "true", "tie_word_embeddings: expected false, found true"},
    {"families/gptj", "rotary_dim", "null", "rotary_dim: expected a positive integer, found null"},
    {"families/gptj", "rotary_dim", "10",
     "rotary_dim: expected an even number of at most 8, the columns of a head, found 10"},
    {"families/gptj", "rotary_dim", "3",
     "rotary_dim: expected an even number of at most 8, the columns of a head, found 3"},
    {"families/smollm3", "no_rope_layers", "[1]", "no_rope_layers: expected a list of at least 2 numbers, found [1]"},
    {"families/smollm3", "no_rope_layers", "[1, 2]", "no_rope_layers[1]: expected a whole number from 0 to 1, found 2"},
    {"families/granite", "residual_multiplier", "0", "residual_multiplier: expected a positive number, found 0"},
    {"families/falcon_new", "parallel_attn", "false",
     "parallel_attn: expected true (new_decoder_architecture), found false"},
    {"families/falcon_new", "num_ln_in_parallel_attn", "3", "num_ln_in_parallel_attn: expected 1 or 2, found 3"},
    {"families/falcon_new", "num_kv_heads", "3",
     "num_key_value_heads: expected a divisor of num_attention_heads 4, found 3"},
    {"families/mixtral", "num_experts_per_tok", "5", "num_experts_per_tok: expected at most 4, found 5"},
    {"families/mixtral", "num_local_experts", "10001", "num_local_experts: expected at most 10000, found 10001"},
    {"families/qwen2_moe", "moe_intermediate_size", "2000000",
     "expected experts of at most 1048576 columns, found 2000000"},
    {"families/qwen2_moe", "mlp_only_layers", "0", "mlp_only_layers: expected a list of layers, found 0"},
    {"families/qwen2_moe", "mlp_only_layers", "[2]",
     "mlp_only_layers[0]: expected a whole number from 0 to 1, found 2"},
    {"families/qwen3_moe", "decoder_sparse_step", "0", "decoder_sparse_step: expected a positive integer, found 0"},
    {"families/bloom", "n_head", "5", "num_attention_heads: expected a divisor of hidden_size 24, found 5"},
    {"families/bloom", "n_layer", "null", "n_layer: expected a positive integer, found null"},
    {"families/falcon", "num_ln_in_parallel_attn", "2",
     "num_ln_in_parallel_attn: expected 1 (without new_decoder_architecture), found 2"},
    // Ids and labels.
    {"llama/untied", "eos_token_id", "\"</s>\"", "eos_token_id: expected a token id or a list of them, found \"</s>\""},
    {"llama/untied", "eos_token_id", "[2, 2.5]", "eos_token_id[1]: expected a token id or a list of them, found 2.5"},
    {"llama/untied", "eos_token_id", "[[2]]", "eos_token_id[0]: expected a token id or a list of them, found [2]"},
    {"llama/untied", "eos_token_id", "4294967298",
     "eos_token_id: expected a token id or a list of them, found 4294967298"},
    {"llama/untied", "eos_token_id", "-9223372036854775808",
     "eos_token_id: expected a token id or a list of them, found -9223372036854775808"},
    {"llama/untied", "rlhf_reward_mean", "\"0\"", "rlhf_reward_mean: expected a number, found \"0\""},
    {"llama/scalar", "pad_token_id", "4294967298", "pad_token_id: expected a token id, found 4294967298"},
    {"llama/scalar", "id2label", "[\"LABEL_0\"]", "id2label: expected an object, found [\"LABEL_0\"]"},
    {"llama/scalar", "id2label", "7", "id2label: expected an object, found 7"},
    {"llama/scalar", "id2label", "{}", "id2label: expected 1 label (a scalar head), found 0 labels"},
    {"llama/scalar", "id2label", "{\"0\": \"BAD\", \"1\": \"GOOD\"}",
     "id2label: expected 1 label (a scalar head), found 2 labels"},
    {"llama/scalar", "num_labels", "2", "id2label: expected 1 label (a scalar head), found 2 labels"},
    {"llama/scalar", "num_labels", "-1", "num_labels: expected a positive integer, found -1"},
};

TEST(BadConfig, ThatSaysNonsenseIsRefused) {
  for (const BadValue& item : kBadValues) {
    const Folder folder(item.golden);
    folder.set(item.key, ordered_json::parse(item.json));
    EXPECT_EQ(folder.refusal(), "DIR/config.json: " + item.expected)
        << item.golden << " " << item.key << " " << item.json;
  }
}

TEST(BadConfig, OfAnotherKindOfModelIsNamed) {
  using Keys = std::vector<std::pair<const char*, ordered_json>>;
  for (const auto& [keys, found] : std::vector<std::pair<Keys, std::string>>{
           {{{"model_type", "roberta"}}, "\"roberta\", an encoder, which cannot continue a text"},
           {{{"model_type", "t5"}, {"is_encoder_decoder", true}}, "\"t5\", an encoder and decoder"},
           {{{"model_type", "qwen2_vl"}, {"vision_config", {{"depth", 2}}}},
            "\"qwen2_vl\", a model of images or sound and text; hint: use a text-only model of the series"},
           {{{"model_type", "deepseek_v3"}, {"n_routed_experts", 8}}, "\"deepseek_v3\", a mixture of experts"},
           {{{"model_type", "granitemoe"}, {"num_local_experts", 8}}, "\"granitemoe\", a mixture of experts"}}) {
    const Folder folder;
    for (const auto& [key, value] : keys) folder.set(key, value);
    const std::string refusal = folder.refusal();
    EXPECT_TRUE(refusal.ends_with(kModelTypes + ", found " + found)) << refusal;
  }
}

/// Sizes that agree among themselves, and not with the file.
TEST(BadConfig, WhoseSizesAreNotThoseOfTheFileIsRefused) {
  for (const auto& [key, value, expected] : std::vector<std::tuple<std::string, int, std::string>>{
           {"vocab_size", 1'000'000'000,
            "model.embed_tokens.weight: expected [1000000000, 32] by config.json, found [96, 32]"},
           {"hidden_size", 64, "model.embed_tokens.weight: expected [96, 64] by config.json, found [96, 32]"},
           {"intermediate_size", 49,
            "model.layers.0.mlp.gate_proj.weight: expected [49, 32] by config.json, found [48, 32]"},
           {"num_attention_heads", 2,
            "model.layers.0.self_attn.q_proj.weight: expected [16, 32] by config.json, found [32, 32]"},
           {"num_key_value_heads", 4,
            "model.layers.0.self_attn.k_proj.weight: expected [32, 32] by config.json, found [16, 32]"},
           {"head_dim", 262'144,
            "model.layers.0.self_attn.q_proj.weight: expected [1048576, 32] by config.json, found [32, 32]"},
           {"num_hidden_layers", 1,
            "model.layers.1.input_layernorm.weight: expected no such tensor by config.json, found [32]"},
           {"num_hidden_layers", 10'000, "model.layers.2.input_layernorm.weight: expected this tensor, found none"}}) {
    const Folder folder;
    folder.set(key, value);
    EXPECT_EQ(folder.refusal(), "weights of DIR: " + expected) << key;
  }
}

}  // namespace
}  // namespace rlhf
