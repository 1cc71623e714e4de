// Adapters against PEFT, and models that share their frozen weights.
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"
#include "rlhf/nn/shared_trunks.h"
#include "rlhf/nn/trained_weights.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "family_goldens.h"
#include "nn_testing.h"
#include "run_transformers.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::expect_error;
using testing::golden;
using testing::kLengths;
using testing::pack_cut;
using testing::relative_difference;
using testing::TemporaryFolder;

const std::vector<std::string> kAdapters = {
    "llama3", "mistral",     "qwen2", "qwen3", "phi3",   "gemma", "gemma2",  "gemma3", "gpt2",  "gpt_neox",
    "opt",    "some_layers", "olmo2", "phi",   "cohere", "gptj",  "granite", "falcon", "bloom", "mixtral"};

fs::path folder_of(const std::string& name) { return golden("adapters/" + name); }
SafetensorsFile expected_of(const std::string& name) { return SafetensorsFile(folder_of(name + ".safetensors")); }

std::unique_ptr<CausalLM> load(const fs::path& folder, bool requires_grad) {
  return load_causal_lm(read_model_folder(folder), at::kCPU, at::kFloat, requires_grad);
}

at::Tensor logits_of(CausalLM& model, const PackedBatch& batch) {
  return soft_cap(at::linear(model.forward(batch), model.head()), model.logit_cap());
}

/// The mean cross-entropy of the next tokens, over all sequences of more than one token.
at::Tensor loss_of(CausalLM& model, const PackedBatch& batch) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < batch.segments.count(); ++i)
    for (std::int64_t row = batch.segments.offsets[i]; row + 1 < batch.segments.offsets[i + 1]; ++row)
      rows.push_back(row);
  const at::Tensor predictors = to_device(rows, at::kCPU);
  return linear_logprobs(model.forward(batch, predictors), model.head(),
                         batch.tokens.index_select(0, predictors.add(1)), {.logit_cap = model.logit_cap()})
      .logprobs.mean()
      .neg();
}

void expect_gradients(const Parameters& parameters, const SafetensorsFile& expected) {
  std::size_t compared = 0;
  for (const Parameter& parameter : parameters)
    for (const auto& [name, gradient] : split_parts(parameter, parameter.value.grad())) {
      EXPECT_LT(relative_difference(gradient, expected.tensor("grad.base_model.model." + name)), 1e-5) << name;
      ++compared;
    }
  std::size_t wanted = 0;
  for (const auto& [name, entry] : expected.entries()) wanted += name.starts_with("grad.") ? 1 : 0;
  EXPECT_EQ(compared, wanted);
}

class Adapters : public ::testing::TestWithParam<std::string> {};

TEST_P(Adapters, LogitsLossAndGradientsEqualPeft) {
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load(folder_of(GetParam()), /*requires_grad=*/true);
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  EXPECT_LT(relative_difference(logits_of(*model, batch), expected.tensor("logits")), 1e-5);
  const at::Tensor loss = loss_of(*model, batch);
  EXPECT_NEAR(loss.item<double>(), expected.tensor("loss").item<double>(), 1e-5);
  loss.backward();
  expect_gradients(model->parameters(), expected);
}

TEST_P(Adapters, RecomputedLayersGiveTheSameBits) {
  const SafetensorsFile expected = expected_of(GetParam());
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  const auto plain = load(folder_of(GetParam()), true), recomputed = load(folder_of(GetParam()), true);
  recomputed->set_recompute(true);
  for (const auto& model : {plain.get(), recomputed.get()}) {
    const TrainedWeights weights(model->parameters());  // gradients are added in place
    loss_of(*model, batch).backward();
  }
  for (std::size_t i = 0; i < plain->parameters().size(); ++i)
    EXPECT_TRUE(at::equal(plain->parameters()[i].value.grad(), recomputed->parameters()[i].value.grad()))
        << plain->parameters()[i].name;
}

TEST_P(Adapters, MergedWeightsEqualPeft) {
  const at::NoGradGuard no_grad;
  const SafetensorsFile expected = expected_of(GetParam());
  const auto model = load(folder_of(GetParam()), /*requires_grad=*/false);
  EXPECT_LT(
      relative_difference(logits_of(*model, pack_cut(expected.tensor("tokens"), kLengths)), expected.tensor("logits")),
      1e-5);
  std::map<std::string, at::Tensor> ours;
  for (const auto& [name, tensor] : named_values(model->parameters())) ours[name] = tensor;
  std::size_t compared = 0;
  for (const auto& [name, entry] : expected.entries()) {
    if (!name.starts_with("merged.")) continue;
    EXPECT_LT(relative_difference(ours.at(name.substr(7)), expected.tensor(name)), 1e-6) << name;
    ++compared;
  }
  EXPECT_GT(compared, 0U);
}

TEST_P(Adapters, AreSavedAsTheyWereRead) {
  const at::NoGradGuard no_grad;
  const TemporaryFolder temp;
  const ModelFolder source = read_model_folder(folder_of(GetParam()));
  const auto model = load_causal_lm(source, at::kCPU, at::kFloat, /*requires_grad=*/true);
  save_causal_lm(source, named_values(model->parameters()), {}, temp.path() / "saved");
  std::int64_t count = 0;
  for (const Parameter& parameter : model->parameters()) count += parameter.value.numel();
  EXPECT_EQ(count_adapter_parameters(source), count);
  const SafetensorsFile before(folder_of(GetParam()) / "adapter_model.safetensors");
  const SafetensorsFile after(temp.path() / "saved" / "adapter_model.safetensors");
  ASSERT_EQ(before.entries().size(), after.entries().size());
  for (const auto& [name, entry] : before.entries())
    EXPECT_TRUE(at::equal(before.tensor(name), after.tensor(name))) << name;
  const auto config = ordered_json::parse(std::ifstream(temp.path() / "saved" / "adapter_config.json"));
  auto kept = ordered_json::parse(std::ifstream(folder_of(GetParam()) / "adapter_config.json"));
  kept["base_model_name_or_path"] = config["base_model_name_or_path"];  // absolute: the folder is another one
  EXPECT_EQ(config, kept);
  EXPECT_TRUE(fs::equivalent(config["base_model_name_or_path"].get<std::string>(), source.base));
}

INSTANTIATE_TEST_SUITE_P(All, Adapters, ::testing::ValuesIn(kAdapters), [](const auto& test) { return test.param; });

TEST(RewardAdapter, ScoresAndGradientsEqualPeft) {
  const SafetensorsFile expected = expected_of("reward");
  const ModelFolder folder = read_model_folder(folder_of("reward"));
  EXPECT_TRUE(folder.scalar_head);
  ScalarModel model = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  const at::Tensor scores = model.scores(batch);
  EXPECT_LT(relative_difference(scores, expected.tensor("logits").flatten()), 1e-5);
  scores.square().sum().backward();
  expect_gradients(model.parameters(), expected);
  const at::NoGradGuard no_grad;
  ScalarModel merged = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/false);
  EXPECT_LT(relative_difference(merged.scores(batch), scores), 1e-5);
}

TEST(RewardAdapter, OverARewardModelReplacesItsHeadAndScoresAtEos) {
  const TemporaryFolder temp;
  const ModelFolder language = read_model_folder(golden("families/llama3"));
  ScalarModel base = load_scalar_model(language, at::kCPU, at::kFloat, /*requires_grad=*/false, 1);
  save_scalar_model(language, named_values(base.parameters()), 0.25, {.pad_id = 2}, temp / "base");  // its EOS
  ModelFolder folder = read_model_folder(temp / "base");
  ASSERT_EQ(folder.padding_is_eos, 2);
  add_adapter(folder, {.rank = 2});
  ScalarModel trained = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
  const PackedBatch batch = pack(std::vector<TokenIds>{{5, 6, 7, 2}, {8, 2}}, at::kCPU);
  EXPECT_TRUE(at::equal(trained.score(), base.score()));
  for (const Parameter& parameter : trained.parameters()) parameter.value.detach().add_(0.1);
  save_scalar_model(folder, named_values(trained.parameters()), 0.5, {}, temp / "adapter");
  const ModelFolder saved = read_model_folder(temp / "adapter");
  EXPECT_EQ(saved.reward_mean, 0.5);
  const at::NoGradGuard no_grad;
  ScalarModel merged = load_scalar_model(saved, at::kCPU, at::kFloat, /*requires_grad=*/false);
  ScalarModel shared = SharedTrunks(at::kCPU, at::kFloat).scalar_model(saved, /*requires_grad=*/false);
  EXPECT_LT(relative_difference(merged.scores(batch), trained.scores(batch)), 1e-5);
  EXPECT_LT(relative_difference(shared.scores(batch), trained.scores(batch)), 1e-5);
  // Without our file it is a folder of PEFT, whose pad id is that of the base.
  fs::remove(temp / "adapter/rlhf.json");
  EXPECT_EQ(read_model_folder(temp / "adapter").padding_is_eos, 2);
}

/// A folder of llama3 with a new adapter.
ModelFolder with_new_adapter(const LoraOptions& options) {
  ModelFolder folder = read_model_folder(golden("families/llama3"));
  add_adapter(folder, options);
  return folder;
}

TEST(NewAdapter, ChangesNothingAndIsDrawnAsInPeft) {
  const PackedBatch batch = pack_cut(expected_of("llama3").tensor("tokens"), kLengths);
  const ModelFolder folder = with_new_adapter({.rank = 4});
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/true, /*seed=*/7);
  const auto base = load(golden("families/llama3"), false);
  EXPECT_EQ(testing::largest_difference(logits_of(*model, batch), logits_of(*base, batch)), 0.0);
  std::int64_t count = 0;
  for (const Parameter& parameter : model->parameters()) {
    count += parameter.value.numel();
    EXPECT_TRUE(parameter.value.requires_grad());
    const double largest = parameter.value.abs().max().item<double>();
    if (parameter.name.ends_with("lora_B.weight")) {
      EXPECT_EQ(largest, 0) << parameter.name;
    } else {  // uniform(−1/√in, 1/√in) of at least 64 numbers
      const double bound = 1 / std::sqrt(static_cast<double>(parameter.value.size(1)));
      EXPECT_LE(largest, bound) << parameter.name;
      EXPECT_GT(largest, 0.85 * bound) << parameter.name;
    }
  }
  // Per layer: q 16+16, k and v 16+8, o 16+16, gate and up 16+24, down 24+16, times the rank; two layers.
  EXPECT_EQ(count, 2 * 4 * (32 + 24 + 24 + 32 + 40 + 40 + 40));
  EXPECT_EQ(count, count_adapter_parameters(folder));
}

TEST(NewAdapter, OnItsTargetsOnly) {
  const ModelFolder folder = with_new_adapter({.rank = 2, .targets = {"v_proj", "mlp.up_proj"}});
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : named_values(model->parameters())) names.push_back(name);
  const std::string first = "model.layers.0.", second = "model.layers.1.", a = ".lora_A.weight", b = ".lora_B.weight";
  const std::string v = "self_attn.v_proj", up = "mlp.up_proj";
  EXPECT_EQ(names, (std::vector<std::string>{first + v + a, first + v + b, first + up + a, first + up + b,
                                             second + v + a, second + v + b, second + up + a, second + up + b}));
  ModelFolder base = read_model_folder(golden("families/llama3"));
  expect_error(
      [&] {
        add_adapter(base, {.targets = {"v_proj", "query"}});
      },
      ExitCode::usage,
      {"model.lora.targets", "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj", "found query"});
}

TEST(NewAdapter, DropsInputsOnlyWhileGradientsAreRecorded) {
  const ModelFolder folder = with_new_adapter({.rank = 4, .dropout = 0.5});
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
  {
    const at::NoGradGuard no_grad;
    for (const Parameter& parameter : model->parameters()) parameter.value.fill_(0.1);
  }
  const PackedBatch batch = pack_cut(expected_of("llama3").tensor("tokens"), kLengths);
  const auto gradients = [&](bool recompute, std::uint64_t seed) {
    const TrainedWeights weights(model->parameters());
    model->set_recompute(recompute);
    at::manual_seed(seed);
    loss_of(*model, batch).backward();
    return weights.gradients().clone();
  };
  const at::Tensor once = gradients(false, 1);
  EXPECT_TRUE(at::equal(once, gradients(false, 1)));
  EXPECT_FALSE(at::equal(once, gradients(false, 2)));
  EXPECT_TRUE(at::equal(once, gradients(true, 1)));  // layers that run again drop the same inputs
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(model->forward(batch), model->forward(batch)));
}

TEST(SharedTrunks, LoadTheWeightsOfABaseOnce) {
  SharedTrunks trunks(at::kCPU, at::kFloat);
  const ModelFolder base = read_model_folder(golden("families/llama3"));
  const ModelFolder reward = read_model_folder(folder_of("reward"));
  const auto policy = trunks.causal_lm(with_new_adapter({}), /*requires_grad=*/true, 1);
  const auto other = trunks.causal_lm(read_model_folder(folder_of("llama3")), /*requires_grad=*/false);
  const auto reference = trunks.causal_lm(base, /*requires_grad=*/false);
  ScalarModel value = trunks.scalar_model(reward, /*requires_grad=*/true);
  ScalarModel judge = trunks.scalar_model(reward, /*requires_grad=*/false);
  const std::vector<const CausalLM*> sharers = {other.get(), reference.get(), &value.trunk(), &judge.trunk()};
  for (const CausalLM* model : sharers) EXPECT_TRUE(model->head().is_same(policy->head()));
  EXPECT_FALSE(value.score().is_same(judge.score()));

  const PackedBatch batch = pack_cut(expected_of("llama3").tensor("tokens"), kLengths);
  EXPECT_LT(relative_difference(logits_of(*other, batch), expected_of("llama3").tensor("logits")), 1e-5);
  const SafetensorsFile expected = expected_of("reward");
  EXPECT_LT(relative_difference(judge.scores(pack_cut(expected.tensor("tokens"), kLengths)),
                                expected.tensor("logits").flatten()),
            1e-5);
  // Training one changes no other.
  const at::Tensor before = logits_of(*reference, batch).detach().clone();
  {
    const at::NoGradGuard no_grad;
    for (const Parameter& parameter : policy->parameters()) parameter.value.add_(0.1);
    for (const Parameter& parameter : value.parameters()) parameter.value.add_(0.1);
  }
  EXPECT_TRUE(at::equal(logits_of(*reference, batch), before));
  EXPECT_FALSE(at::equal(logits_of(*policy, batch), before));
}

TEST(SharedTrunks, AScalarModelIgnoresTheHeadOfTheLanguageModel) {
  const PackedBatch batch = pack_cut(expected_of("phi").tensor("tokens"), kLengths);
  for (const std::string family : {"phi", "cohere", "granite"}) {  // a bias of the head, factors of the logits
    ModelFolder folder = read_model_folder(golden("families/" + family));
    add_adapter(folder, {.rank = 2});
    SharedTrunks trunks(at::kCPU, at::kFloat);
    const auto policy = trunks.causal_lm(folder, /*requires_grad=*/true, 1);
    ScalarModel shared = trunks.scalar_model(folder, /*requires_grad=*/true, 5);
    ScalarModel alone = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/true, 5);
    EXPECT_TRUE(at::equal(shared.scores(batch), alone.scores(batch))) << family;
  }
}

/// A copy of the adapter llama3 beside a copy of its base, with a change of adapter_config.json.
struct ChangedAdapter : TemporaryFolder {
  explicit ChangedAdapter(const ordered_json& change = ordered_json::object()) {
    fs::copy(folder_of("llama3"), path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    ordered_json config = ordered_json::parse(std::ifstream(path() / "adapter_config.json"));
    config["base_model_name_or_path"] = golden("families/llama3").string();
    for (const auto& [key, value] : change.items()) config[key] = value;
    std::ofstream(path() / "adapter_config.json") << config;
  }
};

TEST(AdapterFolder, RefusesWhatItDoesNotComputeByItsKey) {
  const std::vector<std::pair<ordered_json, std::vector<std::string>>> cases = {
      {{{"use_dora", true}}, {"use_dora", "found true, a DoRA adapter", "merge_and_unload"}},
      {{{"peft_type", "IA3"}}, {"peft_type", "\"LORA\"", "\"IA3\""}},
      {{{"bias", "all"}}, {"bias", "\"none\"", "\"all\""}},
      {{{"lora_bias", true}}, {"lora_bias"}},
      {{{"rank_pattern", {{"q_proj", 4}}}}, {"rank_pattern"}},
      {{{"alpha_pattern", {{"q_proj", 4}}}}, {"alpha_pattern"}},
      {{{"init_lora_weights", "pissa"}}, {"init_lora_weights", "\"pissa\""}},
      {{{"modules_to_save", {"embed_tokens"}}}, {"modules_to_save", "\"embed_tokens\""}},
      {{{"r", 0}}, {": r: ", "a positive integer"}},
      {{{"lora_alpha", -1}}, {"lora_alpha", "a positive number"}},
      {{{"lora_dropout", 1}}, {"lora_dropout", "below 1"}},
      {{{"base_model_name_or_path", nullptr}}, {"base_model_name_or_path", "the path or id of the base model"}},
      {{{"base_model_name_or_path", "./nowhere"}}, {"base_model_name_or_path", "nowhere", "no such folder"}},
      {{{"base_model_name_or_path", folder_of("gpt2").string()}}, {"another adapter", "rlhf-merge"}}};
  for (const auto& [change, parts] : cases) {
    const ChangedAdapter folder(change);
    expect_error([&] { read_model_folder(folder.path()); }, ExitCode::model, parts);
  }
}

TEST(AdapterFolder, RefusesWeightsThatDoNotFit) {
  const auto load_changed = [](const ordered_json& change) {
    const ChangedAdapter folder(change);
    load(folder.path(), /*requires_grad=*/true);
  };
  expect_error(
      [&] {
        load_changed({{"r", 3}});
      },
      ExitCode::model, {"lora_A.weight", "expected [3, 16] by the base model and r, found [2, 16]"});
  expect_error(
      [&] {
        load_changed({{"base_model_name_or_path", golden("families/gpt2").string()}});
      },
      ExitCode::model,
      {"base_model.model.model.layers.0", "expected a low-rank update of a linear layer of the base model"});
  const ChangedAdapter pickled;
  fs::rename(pickled.path() / "adapter_model.safetensors", pickled.path() / "adapter_model.bin");
  expect_error([&] { read_model_folder(pickled.path()); }, ExitCode::model,
               {"expected adapter_model.safetensors", "pickled weights"});
}

TEST(AdapterFolder, PeftLoadsWhatIsSavedWithEqualLogitsAndScores) {
  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers and peft";
  if (std::system((std::string(python) + " -c 'import peft' 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no peft in " << python << " (RLHF_TEST_PYTHON)";
  const TemporaryFolder temp;
  const PackedBatch batch = pack_cut(expected_of("llama3").tensor("tokens"), kLengths);
  testing::TransformersRun run(python, batch, temp.path());
  std::vector<at::Tensor> ours;
  const at::NoGradGuard no_grad;
  const auto shift = [](const Parameters& parameters) {
    for (const Parameter& parameter : parameters) parameter.value.detach().add_(0.05);
  };
  for (const auto& [family, targets] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{{"llama3", {}},
                                                                     {"gpt2", {}},
                                                                     {"gpt_neox", {}},
                                                                     {"phi3", {"qkv_proj"}},
                                                                     {"gemma3", {"k_proj", "mlp.up_proj"}}}) {
    ModelFolder folder = read_model_folder(golden("families/" + family));
    add_adapter(folder, {.rank = 3, .alpha = 5, .targets = targets, .rslora = family == "gpt2"});
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
    shift(model->parameters());
    save_causal_lm(folder, named_values(model->parameters()), {}, temp.path() / family);
    ours.push_back(logits_of(*model, batch));
    run.add(temp.path() / family);
  }
  ModelFolder folder = with_new_adapter({.rank = 3});
  ScalarModel reward = load_scalar_model(folder, at::kCPU, at::kFloat, /*requires_grad=*/true);
  shift(reward.parameters());
  save_scalar_model(folder, named_values(reward.parameters()), 0.5, {}, temp.path() / "reward");
  EXPECT_EQ(read_model_folder(temp.path() / "reward").reward_mean, 0.5);
  ours.push_back(reward.scores(batch));
  run.add(temp.path() / "reward");
  const auto theirs = run.outputs();
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_LT(relative_difference(ours[i], theirs[i].view(ours[i].sizes())), 1e-5) << i;
}

}  // namespace
}  // namespace rlhf
