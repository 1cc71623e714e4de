#include "rlhf/nn/model_folder.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "rlhf/core/log.h"

#include "nn_testing.h"
#include "spoilt_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::golden;
using testing::largest_difference;
using testing::SpoiltFolder;

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
  const SpoiltFolder copy;
  copy.set("eos_token_id", {2, 7});
  copy.write("generation_config.json", R"({"eos_token_id": [9, 2]})");
  EXPECT_EQ(read_model_folder(copy.path()).eos_ids, (TokenIds{2, 7, 9}));
}

TEST(ModelFolder, SeesThatTheEndTokenIsThePaddingToo) {
  const SpoiltFolder copy("llama/scalar");
  EXPECT_FALSE(read_model_folder(copy.path()).padding_is_eos);
  copy.set("pad_token_id", 2);
  EXPECT_EQ(read_model_folder(copy.path()).padding_is_eos, 2);
  copy.set("pad_token_id", "<pad>");
  testing::expect_error([&] { read_model_folder(copy.path()); }, ExitCode::model, {"pad_token_id", "a token id"});
}

TEST(ModelFolder, RefusesAScalarModelWhereALanguageModelIsWanted) {
  EXPECT_EQ(SpoiltFolder("llama/scalar").refusal(),
            "model folder DIR: expected a language model (…ForCausalLM), found a scalar head "
            "(…ForSequenceClassification); hint: it is a reward or value model");
}

/// A folder whose config.json asks for a head of its own, which its file lacks.
struct Headless : SpoiltFolder {
  explicit Headless(const std::string& architecture) {
    set("architectures", {architecture});
    set("initializer_range", 0.5);
    change_tensors("model.safetensors", [](NamedTensors& tensors) {
      std::erase_if(tensors, [](const auto& tensor) { return tensor.first == "lm_head.weight"; });
    });
  }
  std::unique_ptr<CausalLM> load(std::uint64_t seed, at::ScalarType dtype = at::kFloat) const {
    return load_causal_lm(read_model_folder(path()), at::kCPU, dtype, true, seed, /*allow_missing_head=*/true);
  }
};

TEST(MissingHead, IsRefusedWithTheHintThatMakesOne) {
  EXPECT_EQ(Headless("LlamaForCausalLM").refusal(),
            "weights of DIR: lm_head.weight: expected this tensor, found none; hint: rlhf-sft with "
            "model.allow_missing_head=true creates and trains a new head");
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
  EXPECT_EQ(warnings.front(),
            "model folder " + folder.path().string() +
                ": lm_head.weight: not found; drawing random weights from seed 7, which must be trained");
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
