#include <cmath>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/nn/kv_cache.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "family_goldens.h"
#include "run_transformers.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::golden;
using testing::kFamilies;
using testing::kLengths;
using testing::largest_difference;
using testing::pack_cut;
using testing::relative_difference;
using testing::TemporaryFolder;

fs::path folder_of(const std::string& family) { return golden("families/" + family); }
SafetensorsFile expected_of(const std::string& family) { return SafetensorsFile(folder_of(family + ".safetensors")); }

std::unique_ptr<CausalLM> load(const fs::path& folder, bool requires_grad = false) {
  return load_causal_lm(read_model_folder(folder), at::kCPU, at::kFloat, requires_grad);
}

at::Tensor logits_of(CausalLM& model, const PackedBatch& batch) {
  return soft_cap(at::linear(model.forward(batch), model.head()), model.logit_cap());
}

/// The rows that predict a token of their own sequence, and those tokens.
std::pair<at::Tensor, at::Tensor> next_tokens(const PackedBatch& batch) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < batch.segments.count(); ++i) {
    for (std::int64_t row = batch.segments.offsets[i]; row + 1 < batch.segments.offsets[i + 1]; ++row) {
      rows.push_back(row);
    }
  }
  const at::Tensor predictors = to_device(rows, at::kCPU);
  return {predictors, batch.tokens.index_select(0, predictors.add(1))};
}

/// ‖a − b‖ ≤ 1e-5 ‖b‖. A gradient that is zero but for rounding (of the biases of keys: adding one to all scores of a
/// query changes nothing) has no direction to compare.
void expect_equal_gradient(const std::string& name, const at::Tensor& found, const SafetensorsFile& expected) {
  const at::Tensor wanted = expected.tensor("grad." + name);
  if (wanted.norm().item<double>() < 1e-6) {
    EXPECT_LT(found.norm().item<double>(), 1e-6) << name;
  } else {
    EXPECT_LT(relative_difference(found, wanted), 1e-5) << name;
  }
}

class Families : public ::testing::TestWithParam<std::string> {};

TEST_P(Families, LogitsLossAndGradientsEqualTransformers) {
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load(folder_of(GetParam()), /*requires_grad=*/true);
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  EXPECT_LT(relative_difference(logits_of(*model, batch), expected.tensor("logits")), 1e-5);

  const auto [rows, targets] = next_tokens(batch);
  const at::Tensor loss =
      linear_logprobs(model->forward(batch, rows), model->head(), targets, {.logit_cap = model->logit_cap()})
          .logprobs.mean()
          .neg();
  EXPECT_NEAR(loss.item<double>(), expected.tensor("loss").item<double>(), 1e-5);
  loss.backward();
  std::size_t compared = 0;
  for (const Parameter& parameter : model->parameters()) {
    for (const auto& [name, gradient] : split_parts(parameter, parameter.value.grad())) {
      expect_equal_gradient(name, gradient, expected);
      ++compared;
    }
  }
  EXPECT_EQ(compared + 3, expected.entries().size());  // tokens, logits, loss: no gradient was left out
}

TEST_P(Families, OnePassOverTheRowsGivesTheSameGradients) {
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load(folder_of(GetParam()), /*requires_grad=*/true);
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  const auto [rows, targets] = next_tokens(batch);
  const auto mean = [count = rows.size(0)](const at::Tensor& logprobs, auto, auto) {
    return logprobs.sum().div(-static_cast<double>(count));
  };
  backward_through_logprobs(model->forward(batch, rows), model->head(), targets, {.logit_cap = model->logit_cap()},
                            mean);
  for (const Parameter& parameter : model->parameters()) {
    for (const auto& [name, gradient] : split_parts(parameter, parameter.value.grad())) {
      expect_equal_gradient(name, gradient, expected);
    }
  }
}

TEST_P(Families, DecodingWithACacheEqualsTheFullPass) {
  const at::NoGradGuard no_grad;
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load(folder_of(GetParam()));
  const PackedBatch whole = pack_cut(expected.tensor("tokens"), kLengths);
  const at::Tensor full = model->forward(whole);
  const ModelShape& shape = model->shape();
  // The first two sequences side by side: from three tokens on, and from one on.
  KvCache cache(shape.num_layers, 2, shape.num_key_value_heads, 16, shape.head_dim, at::TensorOptions(at::kFloat));
  const std::int64_t* const ids = whole.tokens.const_data_ptr<std::int64_t>();
  const std::vector<TokenIds> starts = {TokenIds(ids, ids + 3), TokenIds(ids + 11, ids + 12)};
  model->forward(pack(starts, at::kCPU), {}, &cache);
  for (std::int64_t t = 0; t < 5; ++t) {
    const at::Tensor next = at::stack({whole.tokens[3 + t], whole.tokens[12 + t]});
    const at::Tensor hidden = model->decode(next, cache);
    EXPECT_LT(largest_difference(hidden, at::stack({full[3 + t], full[12 + t]})), 2e-5) << t;
  }
}

TEST_P(Families, NarrowWeightsStayCloseToWideOnes) {
  const at::NoGradGuard no_grad;
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load_causal_lm(read_model_folder(folder_of(GetParam())), at::kCPU, at::kBFloat16, false);
  const at::Tensor logits = logits_of(*model, pack_cut(expected.tensor("tokens"), kLengths));
  EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_difference(logits, expected.tensor("logits")), 5e-2);
}

TEST_P(Families, AHeadlessTrunkGetsANewHeadOfTheSpreadThatItsConfigSays) {
  const TemporaryFolder temp;
  fs::copy(folder_of(GetParam()), temp.path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  ordered_json config = ordered_json::parse(std::ifstream(temp.path() / "config.json"));
  // Its trunk's class, as transformers calls it when only that was saved.
  const std::string model_type = config["model_type"];
  const std::map<std::string, std::string> trunks = {{"llama", "LlamaModel"},
                                                     {"mistral", "MistralModel"},
                                                     {"qwen2", "Qwen2Model"},
                                                     {"qwen3", "Qwen3Model"},
                                                     {"phi3", "Phi3Model"},
                                                     {"gemma", "GemmaModel"},
                                                     {"gemma2", "Gemma2Model"},
                                                     {"gemma3_text", "Gemma3TextModel"},
                                                     {"gpt2", "GPT2Model"},
                                                     {"gpt_neox", "GPTNeoXModel"},
                                                     {"opt", "OPTModel"},
                                                     {"olmo2", "Olmo2Model"},
                                                     {"olmo3", "Olmo3Model"},
                                                     {"smollm3", "SmolLM3Model"},
                                                     {"granite", "GraniteModel"},
                                                     {"starcoder2", "Starcoder2Model"},
                                                     {"phi", "PhiModel"},
                                                     {"cohere", "CohereModel"},
                                                     {"gptj", "GPTJModel"},
                                                     {"falcon", "FalconModel"},
                                                     {"bloom", "BloomModel"},
                                                     {"mixtral", "MixtralModel"},
                                                     {"qwen2_moe", "Qwen2MoeModel"},
                                                     {"qwen3_moe", "Qwen3MoeModel"},
                                                     {"olmoe", "OlmoeModel"}};
  config["architectures"] = {trunks.at(model_type)};
  config["tie_word_embeddings"] = false;
  config[model_type == "opt" ? "init_std" : "initializer_range"] = 0.5;
  std::ofstream(temp.path() / "config.json") << config;
  const fs::path file = temp.path() / "model.safetensors";
  NamedTensors trunk;
  {
    const SafetensorsFile whole(file);
    for (const auto& [name, entry] : whole.entries()) {
      if (!name.starts_with("lm_head.") && name != "embed_out.weight")
        trunk.emplace_back(name, whole.tensor(name).clone());
    }
  }
  write_safetensors(file, trunk);
  const auto model = load_causal_lm(read_model_folder(temp.path()), at::kCPU, at::kFloat, false, 1, true);
  const at::Tensor head = model->head().narrow(1, 0, model->shape().hidden_size);
  const double n = static_cast<double>(head.numel());
  EXPECT_NEAR(head.std().item<double>(), 0.5, 5 * 0.5 / std::sqrt(2 * n));
  const at::Tensor bias = model->head().slice(1, model->shape().hidden_size);
  EXPECT_EQ(bias.numel(), model_type == "phi" || model_type == "gptj" ? 48 : 0);
  EXPECT_TRUE(bias.eq(0).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(All, Families, ::testing::ValuesIn(kFamilies), [](const auto& test) { return test.param; });

/// A change of config.json that must change the logits: what it turns off is computed.
struct Switch {
  std::string family;
  ordered_json change;  ///< a JSON merge patch
};
void PrintTo(const Switch& change, std::ostream* out) { *out << change.family << " " << change.change; }

/// A copy of the family's folder with that change.
struct ChangedFolder : TemporaryFolder {
  explicit ChangedFolder(const Switch& change) {
    fs::copy(folder_of(change.family), path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    ordered_json config = ordered_json::parse(std::ifstream(path() / "config.json"));
    for (const auto& [key, value] : change.change.items()) config[key] = value;
    std::ofstream(path() / "config.json") << config;
  }
};

class Switches : public ::testing::TestWithParam<Switch> {};

TEST_P(Switches, ChangeTheLogits) {
  const at::NoGradGuard no_grad;
  const ChangedFolder folder(GetParam());
  const SafetensorsFile expected = expected_of(GetParam().family);
  const at::Tensor changed = logits_of(*load(folder.path()), pack_cut(expected.tensor("tokens"), kLengths));
  EXPECT_GT(relative_difference(changed, expected.tensor("logits")), 1e-3);
}

const ordered_json kPlainRope = {{"rope_type", "default"}, {"rope_theta", 100.0}};
INSTANTIATE_TEST_SUITE_P(
    All, Switches,
    ::testing::Values(
        Switch{"llama3", {{"rope_parameters", kPlainRope}}}, Switch{"llama_linear", {{"rope_scaling", nullptr}}},
        Switch{"llama_linear", {{"rope_theta", 50}}}, Switch{"mistral", {{"sliding_window", nullptr}}},
        Switch{"mistral", {{"sliding_window", 5}}}, Switch{"qwen2", {{"use_sliding_window", false}}},
        Switch{"qwen2", {{"layer_types", {"full_attention", "full_attention"}}}},
        Switch{"qwen3", {{"rms_norm_eps", 0.1}}}, Switch{"phi3", {{"sliding_window", nullptr}}},
        Switch{"phi3", {{"rope_parameters", kPlainRope}}}, Switch{"gemma", {{"hidden_act", "silu"}}},
        Switch{"gemma2", {{"attn_logit_softcapping", nullptr}}},
        Switch{"gemma2", {{"final_logit_softcapping", nullptr}}}, Switch{"gemma2", {{"sliding_window", nullptr}}},
        Switch{"gemma2", {{"query_pre_attn_scalar", 8}}},
        Switch{"gemma3", {{"rope_parameters", {{"full_attention", kPlainRope}, {"sliding_attention", kPlainRope}}}}},
        Switch{"gemma3", {{"layer_types", {"full_attention", "full_attention"}}}},
        Switch{"gemma3_old", {{"rope_local_base_freq", 1000.0}}}, Switch{"gemma3_old", {{"sliding_window_pattern", 3}}},
        Switch{"gpt2", {{"activation_function", "relu"}}}, Switch{"gpt2", {{"scale_attn_weights", false}}},
        Switch{"gpt_neox", {{"use_parallel_residual", false}}}, Switch{"gpt_neox_serial", {{"rotary_pct", 0.25}}},
        Switch{"gpt_neox_serial", {{"rotary_emb_base", 50}}}, Switch{"opt", {{"activation_function", "gelu"}}},
        Switch{"llama_yarn", {{"rope_parameters", kPlainRope}}}, Switch{"llama_yarn_old", {{"rope_scaling", nullptr}}},
        Switch{"phi3_longrope", {{"rope_parameters", kPlainRope}}},
        Switch{"phi3_longrope", {{"max_position_embeddings", 64}}}, Switch{"olmo2", {{"rms_norm_eps", 0.1}}},
        Switch{"olmo3", {{"sliding_window", nullptr}}}, Switch{"olmo3_old", {{"rope_theta", 50}}},
        Switch{"olmo3_old", {{"rope_scaling", nullptr}}}, Switch{"smollm3", {{"no_rope_layers", {1, 1}}}},
        Switch{"smollm3", {{"no_rope_layers", nullptr}}}, Switch{"smollm3", {{"use_sliding_window", false}}},
        Switch{"granite", {{"embedding_multiplier", 1}}}, Switch{"granite", {{"attention_multiplier", 1}}},
        Switch{"granite", {{"residual_multiplier", 1}}}, Switch{"granite", {{"logits_scaling", 1}}},
        Switch{"starcoder2", {{"sliding_window", nullptr}}}, Switch{"phi", {{"partial_rotary_factor", 1}}},
        Switch{"cohere", {{"logit_scale", 1}}}, Switch{"cohere", {{"rope_parameters", {{"rope_theta", 50.0}}}}},
        Switch{"gptj", {{"rotary_dim", 8}}}, Switch{"falcon", {{"activation", "relu"}}},
        Switch{"falcon", {{"rope_parameters", {{"rope_theta", 50.0}}}}}, Switch{"bloom", {{"n_head", 4}}},
        Switch{"mixtral", {{"num_experts_per_tok", 1}}}, Switch{"mixtral", {{"sliding_window", nullptr}}},
        Switch{"qwen2_moe", {{"norm_topk_prob", true}}}, Switch{"qwen3_moe", {{"norm_topk_prob", false}}},
        Switch{"qwen3_moe", {{"use_sliding_window", false}}}, Switch{"olmoe", {{"num_experts_per_tok", 1}}}));

/// Its frequencies depend on the number of tokens, so a KV cache could not hold a longer sequence as a full pass reads
/// it.
TEST(Family, RefusesSequencesForWhichItsRotaryEmbeddingChanges) {
  const at::NoGradGuard no_grad;
  for (const auto& [family, longest] : {std::pair{"llama_dynamic", 32}, std::pair{"phi3_longrope", 24}}) {
    const auto model = load(folder_of(family));
    const ModelShape& shape = model->shape();
    EXPECT_EQ(shape.max_positions, longest);
    const auto pass = [&](std::int64_t length, KvCache* cache) {
      return model->forward(pack(std::vector<TokenIds>{TokenIds(static_cast<std::size_t>(length), 5)}, at::kCPU), {},
                            cache);
    };
    KvCache cache(shape.num_layers, 1, shape.num_key_value_heads, longest + 2, shape.head_dim,
                  at::TensorOptions(at::kFloat));
    const at::Tensor full = pass(longest, nullptr);
    pass(longest - 1, &cache);
    EXPECT_LT(largest_difference(model->decode(to_device(std::vector<std::int64_t>{5}, at::kCPU), cache)[0],
                                 full[longest - 1]),
              2e-5);
    testing::expect_error([&] { pass(longest + 1, nullptr); }, ExitCode::shape, {"positions", std::to_string(longest)});
    testing::expect_error([&] { model->decode(to_device(std::vector<std::int64_t>{5}, at::kCPU), cache); },
                          ExitCode::shape, {"room in the model's positions"});
  }
}

TEST(Family, ReadsFilesOfATrunkAloneAndIgnoresStoredMasks) {
  const TemporaryFolder temp;
  fs::copy(folder_of("gpt2"), temp.path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  NamedTensors tensors;
  {
    const SafetensorsFile file(temp.path() / "model.safetensors");
    for (const auto& [name, entry] : file.entries()) {
      tensors.emplace_back(name.substr(std::string("transformer.").size()), file.tensor(name).clone());
    }
  }
  tensors.emplace_back("h.0.attn.bias", at::ones({1, 1, 32, 32}));
  write_safetensors(temp.path() / "model.safetensors", tensors);
  const SafetensorsFile expected = expected_of("gpt2");
  const at::NoGradGuard no_grad;
  const at::Tensor logits = logits_of(*load(temp.path()), pack_cut(expected.tensor("tokens"), kLengths));
  EXPECT_LT(relative_difference(logits, expected.tensor("logits")), 1e-5);
}

TEST(Family, RefusesWhatItDoesNotComputeByItsName) {
  const std::vector<std::pair<Switch, std::vector<std::string>>> cases = {
      {{"llama3", {{"rope_parameters", {{"rope_type", "linear"}}}}}, {"factor", "found no such key"}},
      {{"llama3", {{"quantization_config", {{"bits", 4}}}}}, {"quantization_config", "quantized"}},
      {{"llama3", {{"hidden_act", "gelu_fast"}}}, {"hidden_act", "gelu_pytorch_tanh", "\"gelu_fast\""}},
      {{"phi3", {{"rope_parameters", {{"rope_type", "longrope"}, {"factor", 4.0}}}}},
       {"short_factor", "found no such"}},
      {{"phi3", {{"rope_parameters", {{"partial_rotary_factor", 0.3}}}}}, {"partial_rotary_factor", "even"}},
      {{"gemma3", {{"use_bidirectional_attention", true}}}, {"use_bidirectional_attention", "false", "true"}},
      {{"gemma3", {{"layer_types", {"full_attention"}}}}, {"layer_types", "a list of 2"}},
      {{"gemma3", {{"layer_types", {"full_attention", "chunked_attention"}}}}, {"layer_types", "chunked_attention"}},
      {{"gemma3", {{"rope_parameters", {{"full_attention", kPlainRope}}}}}, {"sliding_attention", "found no such key"}},
      {{"gpt2", {{"scale_attn_by_inverse_layer_idx", true}}}, {"scale_attn_by_inverse_layer_idx"}},
      {{"gpt2", {{"n_head", 5}}}, {"divisor of hidden_size 16", "found 5"}},
      {{"opt", {{"do_layer_norm_before", false}}}, {"do_layer_norm_before", "true"}},
      {{"opt", {{"word_embed_proj_dim", 8}}}, {"word_embed_proj_dim", "hidden_size 16", "found 8"}},
      {{"olmo3", {{"rope_parameters", kPlainRope}}}, {"full_attention", "found no such key"}},
      {{"cohere", {{"use_qk_norm", true}}}, {"use_qk_norm", "false", "true"}},
      {{"gptj", {{"tie_word_embeddings", true}}}, {"tie_word_embeddings", "false", "true"}},
      {{"falcon", {{"alibi", true}}}, {"alibi", "false", "true"}},
      {{"bloom", {{"apply_residual_connection_post_layernorm", true}}},
       {"apply_residual_connection_post_layernorm", "false", "true"}},
      {{"mixtral", {{"router_aux_loss_coef", -0.1}}}, {"router_aux_loss_coef", "a number, at least 0", "-0.1"}},
      {{"olmoe", {{"clip_qkv", 8.0}}}, {"clip_qkv", "null", "8.0"}}};
  for (const auto& [change, parts] : cases) {
    const ChangedFolder folder(change);
    testing::expect_error([&] { read_model_folder(folder.path()); }, ExitCode::model, parts);
  }
}

TEST(Family, TransformersLoadsWhatIsSavedWithEqualLogitsAndScores) {
  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers";
  const at::NoGradGuard no_grad;
  const TemporaryFolder temp;
  const PackedBatch batch = pack(std::vector<TokenIds>{{3, 4, 9, 16, 7, 8, 11}, {5, 8}, {5, 6, 7, 8, 9}}, at::kCPU);
  testing::TransformersRun run(python, batch, temp.path());
  std::vector<std::pair<fs::path, at::Tensor>> saved;
  for (const std::string& family : kFamilies) {
    const ModelFolder source = read_model_folder(folder_of(family));
    const auto model = load(source.path);
    saved.emplace_back(temp.path() / (family + "-causal"), logits_of(*model, batch));
    save_causal_lm(source, named_values(model->parameters()), {}, saved.back().first);
    ScalarModel scalar = load_scalar_model(source, at::kCPU, at::kFloat, false, 1);
    saved.emplace_back(temp.path() / (family + "-scalar"), scalar.scores(batch));
    save_scalar_model(source, named_values(scalar.parameters()), 0.5, {.pad_id = 0}, saved.back().first);
  }
  for (const auto& [folder, ours] : saved) run.add(folder);
  const std::vector<at::Tensor> theirs = run.outputs();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    EXPECT_LT(relative_difference(saved[i].second, theirs[i]), 1e-5) << saved[i].first;
  }
}

}  // namespace
}  // namespace rlhf
