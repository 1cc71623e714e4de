#include "rlhf/nn/model_folder.h"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/log.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::golden;
using testing::largest_difference;
using testing::TempFolder;

ordered_json read_json(const fs::path& path) { return ordered_json::parse(std::ifstream(path)); }
void write_text(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

/// A copy of a golden folder that a test may break.
struct Copy : TempFolder {
  explicit Copy(const std::string& name = "untied") {
    fs::copy(golden("llama/" + name), path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  }
  void change_config(const std::string& key, const ordered_json& value) const {
    ordered_json config = read_json(path() / "config.json");
    config[key] = value;
    write_text(path() / "config.json", config.dump());
  }
  void change_tensors(const std::function<void(NamedTensors&)>& change) const {
    const fs::path file = path() / "model.safetensors";
    NamedTensors tensors;
    {
      const SafetensorsFile mapped(file);
      for (const auto& [name, entry] : mapped.entries()) tensors.emplace_back(name, mapped.tensor(name).clone());
    }
    change(tensors);
    write_safetensors(file, tensors);
  }
  void expect_refused(const std::vector<std::string>& parts) const {
    testing::expect_error([&] { load_causal_lm(read_model_folder(path()), at::kCPU, at::kFloat, false); },
                          ExitCode::model, parts);
  }
};

TEST(ModelFolder, ReadsBothSpellingsOfConfigJson) {
  const ModelFolder old_spelling = read_model_folder(golden("llama/untied")),
                    new_spelling = read_model_folder(golden("llama/tied"));
  EXPECT_EQ(old_spelling.shape.head_dim, 8);
  EXPECT_EQ(new_spelling.shape.head_dim, 12);
  EXPECT_FALSE(old_spelling.shape.tied_head);
  EXPECT_TRUE(new_spelling.shape.tied_head);
  EXPECT_EQ(old_spelling.shape.num_key_value_heads, 2);
  EXPECT_EQ(old_spelling.eos_ids, TokenIds{2});
  EXPECT_EQ(old_spelling.file_dtype, at::kFloat);
  EXPECT_FALSE(old_spelling.scalar_head);
  EXPECT_TRUE(read_model_folder(golden("llama/scalar")).scalar_head);
}

TEST(ModelFolder, CollectsEveryEndToken) {
  const Copy copy;
  copy.change_config("eos_token_id", {2, 7});
  write_text(copy.path() / "generation_config.json", R"({"eos_token_id": [9, 2]})");
  EXPECT_EQ(read_model_folder(copy.path()).eos_ids, (TokenIds{2, 7, 9}));
}

TEST(ModelFolder, RefusesAFolderWithoutConfigAndBrokenJson) {
  const Copy copy;
  write_text(copy.path() / "config.json", "{\"model_type\": ");
  copy.expect_refused({"config.json", "expected JSON", "byte"});
  fs::remove(copy.path() / "config.json");
  copy.expect_refused({"config.json", "none in it"});
  testing::expect_error([&] { read_model_folder(copy.path() / "nowhere"); }, ExitCode::model, {"no such folder"});
}

TEST(ModelFolder, NamesWhatItCannotCompute) {
  const std::vector<std::pair<std::pair<std::string, ordered_json>, std::vector<std::string>>> cases = {
      {{"model_type", "mamba2"}, {"model_type", "llama", "found \"mamba2\""}},
      {{"architectures", {"LlamaForTokenClassification"}}, {"architectures", "LlamaForTokenClassification"}},
      {{"rope_parameters", {{"rope_type", "yarn"}, {"rope_theta", 1e4}}}, {"rope_parameters", "\"yarn\""}},
      {{"hidden_size", "wide"}, {"hidden_size", "positive integer", "\"wide\""}},
      {{"num_key_value_heads", 3}, {"num_key_value_heads", "divisor", "found 3"}},
      {{"vocab_size", nullptr}, {"vocab_size", "no such key"}}};
  for (const auto& [change, parts] : cases) {
    const Copy copy;
    copy.change_config(change.first, change.second);
    copy.expect_refused(parts);
  }
}

TEST(ModelFolder, RefusesAHeadWithSeveralLabels) {
  const Copy copy("scalar");
  copy.change_config("id2label", {{"0", "BAD"}, {"1", "GOOD"}});
  testing::expect_error([&] { read_model_folder(copy.path()); }, ExitCode::model, {"1 label", "found 2 labels"});
}

TEST(ModelFolder, SeesThatTheEndTokenIsThePaddingToo) {
  const Copy copy("scalar");
  EXPECT_FALSE(read_model_folder(copy.path()).padding_is_eos);
  copy.change_config("pad_token_id", 2);
  EXPECT_EQ(read_model_folder(copy.path()).padding_is_eos, 2);
  copy.change_config("pad_token_id", "<pad>");
  testing::expect_error([&] { read_model_folder(copy.path()); }, ExitCode::model, {"pad_token_id", "a token id"});
}

TEST(ModelFolder, RefusesAScalarModelWhereALanguageModelIsWanted) {
  Copy("scalar").expect_refused({"ForCausalLM", "ForSequenceClassification"});
}

TEST(ModelFolder, NamesTheTensorThatDoesNotFit) {
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  {
    const Copy copy;
    copy.change_tensors([&](NamedTensors& tensors) {
      std::erase_if(tensors, [&](const auto& tensor) { return tensor.first == name; });
    });
    copy.expect_refused({name, "found none"});
    copy.change_tensors([&](NamedTensors& tensors) { tensors.emplace_back(name, at::zeros({48, 31})); });
    copy.expect_refused({name, "[48, 32]", "[48, 31]"});
  }
  const Copy copy;
  copy.change_tensors([](NamedTensors& tensors) {
    tensors.emplace_back("model.layers.2.mlp.up_proj.weight", at::zeros({48, 32}));
  });
  copy.expect_refused({"model.layers.2.mlp.up_proj.weight", "no such tensor"});
}

TEST(ModelFolder, RefusesAVocabularyThatDoesNotFitTheWeights) {
  const Copy copy;
  copy.change_config("vocab_size", 97);
  copy.expect_refused({"model.embed_tokens.weight", "[97, 32]", "[96, 32]"});
}

TEST(ModelFolder, RefusesIntegersAsWeights) {
  const Copy copy;
  copy.change_tensors([](NamedTensors& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name == "model.norm.weight") tensor = at::zeros({32}, at::kLong);
    }
  });
  copy.expect_refused({"model.norm.weight", "float32", "Long"});
}

TEST(ModelFolder, RefusesPicklesWithAHint) {
  const Copy copy;
  fs::rename(copy.path() / "model.safetensors", copy.path() / "pytorch_model.bin");
  copy.expect_refused({"pytorch_model.bin", "pickled", "hint: convert"});
  fs::remove(copy.path() / "pytorch_model.bin");
  copy.expect_refused({"model.safetensors", "no weights"});
}

/// A folder whose config.json asks for a head of its own, which its file lacks.
struct Headless : Copy {
  explicit Headless(const std::string& architecture) {
    change_config("architectures", {architecture});
    change_config("initializer_range", 0.5);
    change_tensors([](NamedTensors& tensors) {
      std::erase_if(tensors, [](const auto& tensor) { return tensor.first == "lm_head.weight"; });
    });
  }
  std::unique_ptr<CausalLM> load(std::uint64_t seed, at::ScalarType dtype = at::kFloat) const {
    return load_causal_lm(read_model_folder(path()), at::kCPU, dtype, true, seed, /*allow_missing_head=*/true);
  }
};

TEST(MissingHead, IsRefusedWithTheHintThatMakesOne) {
  const Headless folder("LlamaForCausalLM");
  folder.expect_refused({"weights of " + folder.path().string() +
                         ": lm_head.weight: expected this tensor, found none; hint: rlhf-sft with "
                         "model.allow_missing_head=true makes a new head and trains it"});
}

TEST(MissingHead, IsMadeFromTheSeedAndNamedInAWarning) {
  const Headless folder("LlamaForCausalLM");
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel level, std::string_view message) {
    if (level == LogLevel::warning) warnings.emplace_back(message);
  });
  const auto model = folder.load(7), same = folder.load(7), other = folder.load(8),
             narrow = folder.load(7, at::kBFloat16);
  set_log_sink({});
  ASSERT_EQ(warnings.size(), 4U);
  EXPECT_EQ(warnings.front(), "model folder " + folder.path().string() +
                                  ": lm_head.weight: found none, so a new one is drawn from seed 7: it knows nothing "
                                  "until it is trained");
  EXPECT_EQ(largest_difference(model->head(), same->head()), 0.0);
  EXPECT_EQ(largest_difference(model->head().to(at::kBFloat16), narrow->head()), 0.0);
  EXPECT_GT(largest_difference(model->head(), other->head()), 0.1);
  // normal(0, 0.5), as `transformers` draws it: mean and spread of 96 · 32 numbers within five standard errors.
  const double n = static_cast<double>(model->head().numel());
  EXPECT_NEAR(model->head().detach().std().item<double>(), 0.5, 5 * 0.5 / std::sqrt(2 * n));
  EXPECT_NEAR(model->head().detach().mean().item<double>(), 0.0, 5 * 0.5 / std::sqrt(n));
  const auto whole = load_causal_lm(read_model_folder(golden("llama/untied")), at::kCPU, at::kFloat, false);
  ASSERT_EQ(model->parameters().size(), whole->parameters().size());
  for (std::size_t i = 0; i < whole->parameters().size(); ++i) {
    if (whole->parameters()[i].name == "lm_head.weight") continue;
    EXPECT_EQ(largest_difference(model->parameters()[i].value, whole->parameters()[i].value), 0.0);
  }
}

TEST(MissingHead, IsNotMadeWhereThereIsOne) {
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  const auto plain = load_causal_lm(folder, at::kCPU, at::kFloat, false),
             allowed = load_causal_lm(folder, at::kCPU, at::kFloat, false, 7, /*allow_missing_head=*/true);
  EXPECT_EQ(largest_difference(allowed->head(), plain->head()), 0.0);
}

TEST(MissingHead, IsNotMissedByARewardModel) {
  const at::NoGradGuard no_grad;
  const PackedBatch batch = pack(std::vector<TokenIds>{{1, 4, 9, 16}, {1, 8}}, at::kCPU);
  const auto scores = [&](const fs::path& path) {
    return load_scalar_model(read_model_folder(path), at::kCPU, at::kFloat, false, 3).scores(batch);
  };
  const Headless causal("LlamaForCausalLM"), trunk("LlamaModel");
  const at::Tensor whole = scores(golden("llama/untied"));
  EXPECT_EQ(largest_difference(scores(causal.path()), whole), 0.0);
  EXPECT_EQ(largest_difference(scores(trunk.path()), whole), 0.0);
}

TEST(NewModel, IsTheSameForEverySeedAndDtype) {
  const ModelFolder folder =
      describe_new_model({.hidden_size = 32, .num_hidden_layers = 1, .initializer_range = 0.5}, 50, 1, 2);
  EXPECT_TRUE(folder.path.empty());
  EXPECT_EQ(folder.eos_ids, TokenIds{2});
  const auto load = [&](at::ScalarType dtype, std::uint64_t seed) {
    return load_causal_lm(folder, at::kCPU, dtype, true, seed);
  };
  const auto a = load(at::kFloat, 7), b = load(at::kFloat, 7), other = load(at::kFloat, 8),
             narrow = load(at::kBFloat16, 7);
  for (std::size_t i = 0; i < a->parameters().size(); ++i) {
    const at::Tensor &value = a->parameters()[i].value, &rounded = narrow->parameters()[i].value;
    EXPECT_EQ(largest_difference(value, b->parameters()[i].value), 0.0);
    EXPECT_EQ(largest_difference(value.to(at::kBFloat16), rounded), 0.0);
    if (!a->parameters()[i].decay) continue;
    EXPECT_GT(largest_difference(value, other->parameters()[i].value), 0.1);
    // The standard deviation of n normal numbers lies within 5 standard errors, σ/√(2n), of σ.
    const double n = static_cast<double>(value.numel());
    EXPECT_NEAR(value.detach().std().item<double>(), 0.5, 5 * 0.5 / std::sqrt(2 * n)) << a->parameters()[i].name;
  }
}

TEST(NewModel, RefusesSizesThatDoNotFit) {
  testing::expect_error([] { describe_new_model({.hidden_size = 64, .num_attention_heads = 5}, 50, 1, 2); },
                        ExitCode::usage, {"num_attention_heads", "divisor of hidden_size 64", "found 5"});
}

TEST(ScalarModel, NewHeadHasTheUsualSpread) {
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  ScalarModel model = load_scalar_model(folder, at::kCPU, at::kBFloat16, true, 3);
  EXPECT_EQ(model.score().scalar_type(), at::kFloat);
  // 32 numbers of standard deviation 1/√33 = 0.174: five standard errors are 0.11.
  EXPECT_NEAR(model.score().detach().std().item<double>(), 1.0 / std::sqrt(33.0), 0.11);
  EXPECT_EQ(largest_difference(model.score(), load_scalar_model(folder, at::kCPU, at::kFloat, true, 3).score()), 0.0);
  EXPECT_GT(largest_difference(model.score(), load_scalar_model(folder, at::kCPU, at::kFloat, true, 4).score()), 0.01);
}

}  // namespace
}  // namespace rlhf
